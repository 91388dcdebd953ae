import { randomUUID } from 'node:crypto'
import { sealCredential } from '../../src/gateway/clusters/index.ts'
import type { Replicas } from './gateway.ts'

/** Registers a data plane without the checks of the operator face: for tests that need no working one. */
export async function addCluster(
  replicas: Replicas,
  name: string,
  server = 'https://127.0.0.1:1',
): Promise<string> {
  const { services } = replicas.gateways[0]!
  const id = randomUUID()
  await services.clusters.create(id, {
    name,
    server,
    ca: undefined,
    tlsServerName: undefined,
    network: 'isolated',
    kubernetesVersion: 'v1.36.3',
    sealedCredential: sealCredential(services.sealer, id, { token: 'none' }),
  })
  await services.directory.refresh()
  return id
}
