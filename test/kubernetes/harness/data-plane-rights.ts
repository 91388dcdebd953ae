import { join } from 'node:path'
import type { KeyPair } from './certificates.ts'
import type { ClusterHandle } from './handle.ts'

const MANIFEST = join(import.meta.dirname, '../../../deploy/data-plane.yaml')

/** The user name that `deploy/data-plane.yaml` confines, beside the ServiceAccount's. */
export const GATEWAY_USER = 'isthmus-gateway'

/**
 * Applies `deploy/data-plane.yaml` and waits until its admission policy is in force: the API server compiles
 * it a moment after the answer. Idempotent.
 * @returns the gateway's credential in this data plane.
 */
export async function grantGatewayRights(dataPlane: ClusterHandle): Promise<KeyPair> {
  await dataPlane.kubectl(['apply', '-f', MANIFEST])
  const credential = await dataPlane.issueClientCertificate({ commonName: GATEWAY_USER })
  const body = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'not-confined' } }
  const request = { method: 'POST', path: '/api/v1/namespaces?dryRun=All', body }
  const end = Date.now() + 15_000
  for (;;) {
    const reply = await dataPlane.request(request, credential)
    if (reply.status === 403 && reply.text.includes('ValidatingAdmissionPolicy')) return credential
    if (Date.now() > end)
      throw new Error(`the policy is not in force after 15 s: ${reply.status} ${reply.text}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** A token of the ServiceAccount that `deploy/data-plane.yaml` makes: the gateway's other identity. */
export async function gatewayToken(dataPlane: ClusterHandle): Promise<{ token: string }> {
  const args = ['-n', 'isthmus-system', 'create', 'token', 'isthmus-gateway', '--duration=1h']
  return { token: (await dataPlane.kubectl(args)).stdout.trim() }
}
