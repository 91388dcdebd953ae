import type { V1PolicyRule } from '@kubernetes/client-node'
import type { NewKubeObject, ResourceStore } from './store/types.ts'

const RBAC = 'rbac.authorization.k8s.io'
const all = ['*']
const write = ['create', 'delete', 'deletecollection', 'patch', 'update']
const read = ['get', 'list', 'watch']
const readable = [
  'configmaps',
  'endpoints',
  'events',
  'persistentvolumeclaims',
  'pods',
  'pods/log',
  'pods/status',
  'resourcequotas',
  'limitranges',
  'serviceaccounts',
  'services',
  'replicationcontrollers',
  'namespaces',
]
const workloads: V1PolicyRule[] = [
  { apiGroups: ['apps', 'batch', 'events.k8s.io', 'discovery.k8s.io'], resources: all, verbs: read },
]
const viewRules: V1PolicyRule[] = [{ apiGroups: [''], resources: readable, verbs: read }, ...workloads]
const editRules: V1PolicyRule[] = [
  ...viewRules,
  { apiGroups: [''], resources: ['secrets'], verbs: [...read, ...write] },
  { apiGroups: [''], resources: ['pods/attach', 'pods/exec', 'pods/portforward'], verbs: ['get', 'create'] },
  { apiGroups: [''], resources: ['pods/eviction', 'serviceaccounts/token'], verbs: ['create'] },
  {
    apiGroups: [''],
    resources: [
      'configmaps',
      'events',
      'persistentvolumeclaims',
      'pods',
      'serviceaccounts',
      'services',
      'endpoints',
    ],
    verbs: write,
  },
  { apiGroups: ['apps', 'batch', 'coordination.k8s.io'], resources: all, verbs: [...read, ...write] },
]

const csrRule = (resource: string, verbs: string[]): V1PolicyRule => ({
  apiGroups: ['certificates.k8s.io'],
  resources: [resource],
  verbs,
})

/** The default roles, as far as they say something about what is served. */
const clusterRoles: Record<string, V1PolicyRule[]> = {
  'cluster-admin': [
    { apiGroups: all, resources: all, verbs: all },
    { nonResourceURLs: all, verbs: all },
  ],
  admin: [
    ...editRules,
    { apiGroups: [RBAC], resources: ['roles', 'rolebindings'], verbs: [...read, ...write] },
  ],
  edit: editRules,
  view: viewRules,
  'system:basic-user': [
    {
      apiGroups: ['authorization.k8s.io'],
      resources: ['selfsubjectaccessreviews', 'selfsubjectrulesreviews'],
      verbs: ['create'],
    },
    { apiGroups: ['authentication.k8s.io'], resources: ['selfsubjectreviews'], verbs: ['create'] },
  ],
  'system:discovery': [
    {
      nonResourceURLs: [
        '/',
        '/api',
        '/api/*',
        '/apis',
        '/apis/*',
        '/healthz',
        '/livez',
        '/openapi',
        '/openapi/*',
        '/readyz',
        '/version',
        '/version/',
      ],
      verbs: ['get'],
    },
  ],
  'system:public-info-viewer': [
    { nonResourceURLs: ['/healthz', '/livez', '/readyz', '/version', '/version/'], verbs: ['get'] },
  ],
  'system:service-account-issuer-discovery': [
    { nonResourceURLs: ['/.well-known/openid-configuration', '/openid/v1/jwks'], verbs: ['get'] },
  ],
  'system:node-bootstrapper': [csrRule('certificatesigningrequests', ['create', 'get', 'list', 'watch'])],
  'system:certificates.k8s.io:certificatesigningrequests:nodeclient': [
    csrRule('certificatesigningrequests/nodeclient', ['create']),
  ],
  'system:certificates.k8s.io:certificatesigningrequests:selfnodeclient': [
    csrRule('certificatesigningrequests/selfnodeclient', ['create']),
  ],
  'system:auth-delegator': [
    { apiGroups: ['authentication.k8s.io'], resources: ['tokenreviews'], verbs: ['create'] },
    { apiGroups: ['authorization.k8s.io'], resources: ['subjectaccessreviews'], verbs: ['create'] },
  ],
}

const KUBEADM_TOKENS = 'system:bootstrappers:kubeadm:default-node-token'
const CSR = 'system:certificates.k8s.io:certificatesigningrequests'

const bindings: readonly (readonly [role: string, groups: readonly string[], name?: string])[] = [
  ['cluster-admin', ['system:masters']],
  ['system:basic-user', ['system:authenticated']],
  ['system:discovery', ['system:authenticated']],
  ['system:public-info-viewer', ['system:authenticated', 'system:unauthenticated']],
  ['system:service-account-issuer-discovery', ['system:serviceaccounts']],
  // As kubeadm sets them up: a bootstrap token gets a node's certificate, and a node its next one.
  ['system:node-bootstrapper', [KUBEADM_TOKENS], 'kubeadm:kubelet-bootstrap'],
  [`${CSR}:nodeclient`, [KUBEADM_TOKENS], 'kubeadm:node-autoapprove-bootstrap'],
  [`${CSR}:selfnodeclient`, ['system:nodes'], 'kubeadm:node-autoapprove-certificate-rotation'],
]

const labels = { 'kubernetes.io/bootstrapping': 'rbac-defaults' }

/** What a new cluster has: namespaces, default roles and their bindings, priority classes, the service `kubernetes`. */
export function bootstrap(store: ResourceStore): void {
  const put = (resource: string, object: NewKubeObject) => void store.create(resource, object)
  for (const [name, rules] of Object.entries(clusterRoles)) {
    const base = { apiVersion: `${RBAC}/v1`, kind: 'ClusterRole' }
    put(`clusterroles.${RBAC}`, { ...base, metadata: { name, labels }, rules })
  }
  for (const [role, groups, name = role] of bindings) {
    put(`clusterrolebindings.${RBAC}`, {
      apiVersion: `${RBAC}/v1`,
      kind: 'ClusterRoleBinding',
      metadata: { name, labels },
      roleRef: { apiGroup: RBAC, kind: 'ClusterRole', name: role },
      subjects: groups.map((group) => ({ apiGroup: RBAC, kind: 'Group', name: group })),
    })
  }
  for (const name of ['default', 'kube-system', 'kube-public', 'kube-node-lease']) {
    put('namespaces', {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name, labels: { 'kubernetes.io/metadata.name': name } },
      spec: { finalizers: ['kubernetes'] },
      status: { phase: 'Active' },
    })
  }
  for (const [name, value] of [
    ['system-cluster-critical', 2_000_000_000],
    ['system-node-critical', 2_000_001_000],
  ] as const) {
    const base = { apiVersion: 'scheduling.k8s.io/v1', kind: 'PriorityClass', metadata: { name } }
    put('priorityclasses.scheduling.k8s.io', { ...base, value, preemptionPolicy: 'PreemptLowerPriority' })
  }
}

/** Where components that authenticate callers find the CA of client certificates (kubelets and extension servers). */
export function publishClientCa(store: ResourceStore, ca: string): void {
  const name = 'extension-apiserver-authentication'
  const metadata = { name, namespace: 'kube-system' }
  store.create('configmaps', {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata,
    data: { 'client-ca-file': ca },
  })
  store.create(`roles.${RBAC}`, {
    apiVersion: `${RBAC}/v1`,
    kind: 'Role',
    metadata: { name: `${name}-reader`, namespace: 'kube-system', labels },
    rules: [{ apiGroups: [''], resources: ['configmaps'], resourceNames: [name], verbs: read }],
  })
}

/** The Service `kubernetes`, which leads straight to the API server: there is no service network. */
export function publishApiServer(store: ResourceStore, host: string, port: number): void {
  const metadata = { name: 'kubernetes', namespace: 'default' }
  const labels = { component: 'apiserver', provider: 'kubernetes' }
  const https = { name: 'https', port, protocol: 'TCP' }
  store.create('services', {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { ...metadata, labels },
    spec: {
      type: 'ClusterIP',
      clusterIP: host,
      clusterIPs: [host],
      ipFamilies: [host.includes(':') ? 'IPv6' : 'IPv4'],
      ipFamilyPolicy: 'SingleStack',
      internalTrafficPolicy: 'Cluster',
      sessionAffinity: 'None',
      ports: [{ ...https, targetPort: port }],
    },
    status: { loadBalancer: {} },
  })
  const subsets = [{ addresses: [{ ip: host }], ports: [https] }]
  store.create('endpoints', { apiVersion: 'v1', kind: 'Endpoints', metadata, subsets })
  store.create('endpointslices.discovery.k8s.io', {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { ...metadata, labels: { 'kubernetes.io/service-name': 'kubernetes' } },
    addressType: host.includes(':') ? 'IPv6' : 'IPv4',
    endpoints: [{ addresses: [host], conditions: { ready: true } }],
    ports: [https],
  })
}
