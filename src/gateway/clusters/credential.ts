import type { Sealer } from '../../lib/seal.ts'

/** How the gateway authenticates at a data plane. */
export interface ClusterCredential {
  token?: string
  clientCertificate?: { cert: string; key: string }
}

/** Seals it for this cluster alone: moved to another row it does not open. */
export function sealCredential(sealer: Sealer, clusterId: string, credential: ClusterCredential): Uint8Array {
  return sealer.seal(JSON.stringify(credential), `cluster:${clusterId}`)
}

/** @throws Error when no master key opens it */
export function openCredential(sealer: Sealer, clusterId: string, sealed: Uint8Array): ClusterCredential {
  return JSON.parse(sealer.open(sealed, `cluster:${clusterId}`))
}
