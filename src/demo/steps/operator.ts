import { readFileSync } from 'node:fs'
import { parseAllDocuments } from 'yaml'
import type { CredentialCreated } from '../../protocol/schemas/operator.ts'
import { NODE, type Stage } from '../stage.ts'
import type { Memory, Step } from '../step.ts'

const MANIFEST = new URL('../../../deploy/data-plane.yaml', import.meta.url)
const GATEWAY_ACCOUNT = [
  'api',
  'v1',
  'namespaces',
  'isthmus-system',
  'serviceaccounts',
  'isthmus-gateway',
  'token',
]

/** Where each kind of deploy/data-plane.yaml is created. */
const collections: Record<string, (namespace: string) => string[]> = {
  Namespace: () => ['api', 'v1', 'namespaces'],
  ServiceAccount: (namespace) => ['api', 'v1', 'namespaces', namespace, 'serviceaccounts'],
  ClusterRole: () => ['apis', 'rbac.authorization.k8s.io', 'v1', 'clusterroles'],
  ClusterRoleBinding: () => ['apis', 'rbac.authorization.k8s.io', 'v1', 'clusterrolebindings'],
  ValidatingAdmissionPolicy: () => [
    'apis',
    'admissionregistration.k8s.io',
    'v1',
    'validatingadmissionpolicies',
  ],
  ValidatingAdmissionPolicyBinding: () => [
    'apis',
    'admissionregistration.k8s.io',
    'v1',
    'validatingadmissionpolicybindings',
  ],
}

/** Prepares the data plane as its operator would, registers it, and makes two tenants with their nodes. */
export const operate: Step = {
  title: 'The operator registers the data plane and makes tenants, quotas, virtual nodes and credentials',
  async run(stage, memory) {
    const { operator, dataPlane } = stage
    const token = await prepareDataPlane(stage)
    const post = (resource: string, body: object) =>
      operator.call<{ id: string }>({
        method: 'POST',
        path: ['v1', resource],
        body,
        idempotencyKey: crypto.randomUUID(),
      })
    const ca = readFileSync(dataPlane.caFile, 'utf8')
    await post('clusters', { name: 'data-plane', server: dataPlane.server, ca, token, network: 'flat' })
    const quota = {
      pods: '10',
      'requests.cpu': '4',
      'requests.memory': '4Gi',
      'limits.cpu': '4',
      'limits.memory': '8Gi',
    }
    const capacity = { cpu: '8', memory: '16Gi', pods: '20' }
    for (const [tenant, node] of [
      ['acme', NODE],
      ['globex', 'isthmus-west'],
    ] as const) {
      await post('tenants', { name: tenant, quota, otherResources: 'unlimited' })
      await post('nodes', { name: node, tenant, cluster: 'data-plane', capacity })
    }
    await keepCredential(stage, memory, `acme/${NODE}`, 'agent')
    await keepCredential(stage, memory, 'globex/isthmus-west', 'client')
    return { shown: 'tenants acme and globex, each with a quota and a virtual node on data-plane' }
  },
}

/** Applies deploy/data-plane.yaml and asks for a token of the gateway's own account there. */
async function prepareDataPlane({ physical }: Stage): Promise<string> {
  for (const document of parseAllDocuments(readFileSync(MANIFEST, 'utf8'))) {
    const body = document.toJS() as { kind: string; metadata: { namespace?: string } } | null
    if (body === null) continue
    const path = collections[body.kind]?.(body.metadata.namespace ?? '')
    if (path === undefined)
      throw new Error(`deploy/data-plane.yaml holds a ${body.kind}, which the demo does not know`)
    await physical.json({ method: 'POST', path, body })
  }
  const request = {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: { expirationSeconds: 86_400 },
  }
  const answer = await physical.json<{ status: { token: string } }>({
    method: 'POST',
    path: GATEWAY_ACCOUNT,
    body: request,
  })
  return answer.status.token
}

async function keepCredential(
  { operator }: Stage,
  memory: Memory,
  node: string,
  kind: string,
): Promise<void> {
  const { body } = await operator.call<CredentialCreated>({
    method: 'POST',
    path: ['v1', 'credentials'],
    body: { node, kind },
    idempotencyKey: crypto.randomUUID(),
  })
  memory.credentials.set(kind, { id: body.id, secret: body.clientSecret ?? '' })
}
