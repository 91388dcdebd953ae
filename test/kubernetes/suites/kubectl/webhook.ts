// An admission webhook with side effects in the data plane, served by the test itself.
import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import { createTestCa } from '../../../support/certificates.ts'
import type { ClusterHandle } from '../../harness/handle.ts'

export interface EffectfulWebhook {
  /** Names of the pods whose writes it was asked about and acted on, in order; dry runs are refused and not here. */
  effects: readonly string[]
  remove(): Promise<void>
}

interface Review {
  request: { uid: string; name: string; dryRun?: boolean }
}

const NAME = 'effects.isthmus.test'

/**
 * Installs a webhook over the pods of tenants that acts outside the cluster on each write, and therefore refuses
 * dry runs: since `admissionregistration.k8s.io/v1` a webhook may not say that it has side effects on them.
 */
export async function installEffectfulWebhook(dataPlane: ClusterHandle): Promise<EffectfulWebhook> {
  const authority = await createTestCa()
  const pair = await authority.issue({ ip: [dataPlane.nodeAddress] })
  const effects: string[] = []
  const server = createServer(pair, async (request, reply) => {
    const { request: asked } = (await json(request)) as Review
    const allowed = asked.dryRun !== true
    if (allowed) effects.push(asked.name)
    const response = {
      uid: asked.uid,
      allowed,
      status: { message: 'this webhook takes no dry runs', code: 403 },
    }
    reply.setHeader('content-type', 'application/json')
    reply.end(JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response }))
  })
  server.listen(0, dataPlane.nodeAddress)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const webhook = {
    name: NAME,
    admissionReviewVersions: ['v1'],
    sideEffects: 'NoneOnDryRun',
    failurePolicy: 'Fail',
    timeoutSeconds: 10,
    clientConfig: {
      url: `https://${dataPlane.nodeAddress}:${port}/`,
      caBundle: Buffer.from(authority.ca).toString('base64'),
    },
    namespaceSelector: { matchExpressions: [{ key: 'isthmus.dev/node', operator: 'Exists' }] },
    rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE', 'UPDATE'], resources: ['pods'] }],
  }
  await dataPlane.apply([
    {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingWebhookConfiguration',
      metadata: { name: NAME },
      webhooks: [webhook],
    },
  ])
  return {
    effects,
    async remove() {
      await dataPlane.kubectl(['delete', 'validatingwebhookconfiguration', NAME, '--ignore-not-found'])
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
