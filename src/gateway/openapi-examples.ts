/** A request body and the main reply of one operation, as they go over the wire. */
export interface OperationExample {
  request?: unknown
  /** Of the first status below 300 that has a body. */
  reply?: unknown
}

const AT = '2026-01-05T09:30:00.000Z'
const LATER = '2026-01-05T09:45:00.000Z'
const ID = {
  tenant: '0190f6a4-1c52-7d38-9a51-3f0c7e2b6d10',
  cluster: '0190f6a4-2e11-7b0c-8f27-51d9a4c3e802',
  node: '0190f6a4-3d7f-7c64-b1a8-6a2e0f9d4b37',
  credential: '6f1c2b7e-94a0-4d1b-8f55-0c3e7a9d2b64',
  session: 'd3b07384-d9a0-4c1f-a3b2-5e8f6c7d1a20',
  operator: '2c624232-cdd2-4171-9fd5-9a4e1b7c3d88',
}

const tenant = {
  id: ID.tenant,
  name: 'acme',
  displayName: 'Acme Ltd',
  suspended: false,
  otherResources: 'refuse',
  createdAt: AT,
  updatedAt: AT,
}
const row = (resource: string, hard: string, used: string) => ({
  resource,
  hard,
  used,
  reserved: '0',
  overCommitted: false,
})
const quota = { tenant: 'acme', rows: [row('pods', '50', '3'), row('requests.cpu', '16', '1500m')] }
const cluster = {
  id: ID.cluster,
  name: 'frankfurt-1',
  server: 'https://10.20.0.10:6443',
  network: 'isolated',
  maintenance: false,
  reachable: true,
  kubernetesVersion: 'v1.36.1',
  createdAt: AT,
  updatedAt: AT,
}
const node = {
  id: ID.node,
  name: 'east',
  tenant: 'acme',
  cluster: 'frankfurt-1',
  capacity: [row('pods', '20', '3'), row('requests.cpu', '8', '1500m')],
  draining: false,
  connected: true,
  createdAt: AT,
  updatedAt: AT,
}
const credential = {
  id: ID.credential,
  node: 'east',
  nodeId: ID.node,
  tenant: 'acme',
  kind: 'client',
  access: 'edit',
  description: 'CI',
  revoked: false,
  createdAt: AT,
  lastUsedAt: LATER,
}
const session = {
  id: ID.session,
  tenant: 'acme',
  node: 'east',
  credentialId: ID.credential,
  verb: 'exec',
  namespace: 'shop',
  pod: 'web-0',
  container: 'app',
  state: 'open',
  bytesIn: 12,
  bytesOut: 5120,
  createdAt: AT,
  openedAt: AT,
}
const operator = {
  id: ID.operator,
  name: 'grafana',
  role: 'viewer',
  expiresAt: '2026-02-04T09:30:00.000Z',
  createdAt: AT,
  updatedAt: AT,
}
const lease = { instance: 'isthmus-agent-7c9f', epoch: 4, durationSeconds: 15, expiresAt: LATER }
const removal = {
  left: [
    { node: 'acme/east', cluster: 'frankfurt-1', namespaces: ['t-mfrggzdfmztwq2lknnwg23tpoa'], pods: 3 },
  ],
}
const page = (item: unknown) => ({ items: [item], continue: 'YWNtZQ' })

/** One for every operation, by its id; a test holds each against the schemas that validate. */
export const operationExamples: Record<string, OperationExample> = {
  createTenant: {
    request: { name: 'acme', displayName: 'Acme Ltd', quota: { pods: '50', 'requests.cpu': '16' } },
    reply: tenant,
  },
  listTenants: { reply: page(tenant) },
  getTenant: { reply: tenant },
  updateTenant: { request: { suspended: true }, reply: { ...tenant, suspended: true, updatedAt: LATER } },
  deleteTenant: { reply: removal },
  getQuota: { reply: quota },
  updateQuota: { request: { hard: { pods: '50', 'limits.memory': null } }, reply: quota },
  replaceQuota: { request: { hard: { pods: '50', 'requests.cpu': '16' } }, reply: quota },
  createCluster: {
    request: {
      name: 'frankfurt-1',
      network: 'isolated',
      server: 'https://10.20.0.10:6443',
      ca: '-----BEGIN CERTIFICATE-----\n…\n-----END CERTIFICATE-----\n',
      token: 'eyJhbGciOi…',
    },
    reply: cluster,
  },
  listClusters: { reply: page(cluster) },
  getCluster: { reply: cluster },
  updateCluster: {
    request: { maintenance: true },
    reply: { ...cluster, maintenance: true, updatedAt: LATER },
  },
  deleteCluster: { reply: removal },
  createNode: {
    request: {
      name: 'east',
      tenant: 'acme',
      cluster: 'frankfurt-1',
      capacity: { pods: '20', cpu: '8', memory: '32Gi' },
    },
    reply: node,
  },
  listNodes: { reply: page(node) },
  getNode: { reply: node },
  updateNode: { request: { capacity: { pods: '20', cpu: '8' } }, reply: node },
  deleteNode: { reply: removal },
  createCredential: {
    request: { node: 'acme/east', kind: 'client', access: 'edit', description: 'CI' },
    reply: { ...credential, lastUsedAt: undefined, clientSecret: 'isc_…' },
  },
  listCredentials: { reply: page(credential) },
  getCredential: { reply: credential },
  updateCredential: { request: { access: 'read-only' }, reply: { ...credential, access: 'read-only' } },
  revokeCredential: {},
  listSessions: { reply: page(session) },
  getSession: { reply: session },
  killSession: {},
  listUsage: { reply: page({ tenant: 'acme', ...row('requests.cpu', '16', '1500m') }) },
  createOperator: {
    request: { name: 'grafana', role: 'viewer', expiresInSeconds: 2_592_000 },
    reply: { ...operator, token: 'iso_…' },
  },
  listOperators: { reply: page(operator) },
  getOperator: { reply: operator },
  updateOperator: { request: { expiresInSeconds: null }, reply: { ...operator, expiresAt: undefined } },
  deleteOperator: {},
  listAudit: {
    reply: page({
      id: '4711',
      at: AT,
      requestId: '5f0c1f7e-2a55-4d7b-9d2e-1b0f6c3a8e94',
      actor: `node:${ID.node}`,
      tenant: 'acme',
      node: 'east',
      verb: 'create',
      resource: 'pods/exec',
      namespace: 'shop',
      name: 'web-0',
      outcome: 'exit 0',
    }),
  },
  issueToken: {
    request: { grant_type: 'client_credentials', client_id: ID.credential, client_secret: 'isc_…' },
    reply: { access_token: 'eyJhbGciOiJFZERTQSJ9…', token_type: 'Bearer', expires_in: 900 },
  },
  getKeys: {
    reply: {
      keys: [{ kty: 'OKP', crv: 'Ed25519', kid: '2026-01', alg: 'EdDSA', use: 'sig', x: '11qYAYKxCrfVS…' }],
    },
  },
  getSelf: {
    reply: {
      protocolVersions: [1],
      tenant: { id: ID.tenant, name: 'acme', suspended: false },
      node: { id: ID.node, name: 'east', capacity: { pods: '20', cpu: '8', memory: '32Gi' } },
      cluster: {
        network: 'isolated',
        maintenance: false,
        reachable: true,
        kubernetesVersion: 'v1.36.1',
        operatingSystem: 'linux',
        architecture: 'amd64',
      },
      quota: [{ scope: 'tenant', resource: 'pods', hard: '50', used: '3' }],
      writer: { epoch: 4, instance: 'isthmus-agent-7c9f' },
    },
  },
  acquireWriterLease: { request: { instance: 'isthmus-agent-7c9f' }, reply: lease },
  renewWriterLease: { request: { instance: 'isthmus-agent-7c9f', epoch: 4 }, reply: lease },
  releaseWriterLease: {},
  createSession: {
    request: {
      verb: 'exec',
      namespace: 'shop',
      pod: 'web-0',
      container: 'app',
      command: ['sh', '-c', 'date'],
      stdout: true,
      stderr: true,
    },
    reply: { id: ID.session, ticket: 'eyJhbGciOiJFZERTQSJ9…', expiresAt: LATER },
  },
}

/** What goes wrong looks everywhere the same. */
export const problemExample = {
  type: 'https://isthmus.dev/errors#precondition_failed',
  title: 'Precondition failed',
  status: 412,
  detail: 'It was changed or removed meanwhile.',
  code: 'precondition_failed',
  retryable: true,
  requestId: '5f0c1f7e-2a55-4d7b-9d2e-1b0f6c3a8e94',
}
