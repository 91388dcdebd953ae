import type { ApiRequest } from '../harness/request.ts'

/** A rule of a (Cluster)Role. */
export interface PolicyRule {
  apiGroups: string[]
  resources: string[]
  verbs: string[]
  resourceNames?: string[]
}

/** One verb on one resource. */
export interface Grant {
  group: string
  resource: string
  verb: string
}

/** Every combination that the rules grant. */
export function grantsOf(rules: readonly PolicyRule[]): Grant[] {
  return rules.flatMap(({ apiGroups, resources, verbs }) =>
    apiGroups.flatMap((group) =>
      resources.flatMap((resource) => verbs.map((verb) => ({ group, resource, verb }))),
    ),
  )
}

const WEBSOCKET = {
  accept: '*/*', // the kubelet behind it has no JSON to offer
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'MDEyMzQ1Njc4OWFiY2RlZg==',
}
const EXEC_HEADERS = { ...WEBSOCKET, 'sec-websocket-protocol': 'v5.channel.k8s.io' }
const FORWARD_HEADERS = { ...WEBSOCKET, 'sec-websocket-protocol': 'SPDY/3.1+portforward.k8s.io' }
const SPDY = {
  accept: '*/*',
  connection: 'Upgrade',
  upgrade: 'SPDY/3.1',
  'x-stream-protocol-version': 'v4.channel.k8s.io',
}

/** Names of what exists in the namespace that is tried. */
export interface Place {
  namespace: string
  pod: string
  secret: string
  configMap: string
  /** For creations; nothing is called so. */
  fresh: string
  /** The pod as it is, for updates: a PUT of anything else fails for what is immutable in it. */
  current?: object
}

/**
 * The request by which a grant is used at a place, as an API server understands it.
 * @throws for a grant it does not know: whoever grants more has to say here how it is tried.
 */
export function attempt(grant: Grant, place: Place): ApiRequest {
  const make = REQUESTS[`${grant.resource} ${grant.verb}`]
  if (!make) throw new Error(`no attempt is known for ${grant.verb} ${grant.group}/${grant.resource}`)
  return make(place, grant.group === '' ? '/api/v1' : `/apis/${grant.group}/v1`)
}

const pods = ({ namespace }: Place) => `/api/v1/namespaces/${namespace}/pods`
const pod = (place: Place) => `${pods(place)}/${place.pod}`
const merge = (path: string, body: unknown): ApiRequest => ({
  method: 'PATCH',
  path,
  contentType: 'application/merge-patch+json',
  body,
})
const LABEL = { metadata: { labels: { tried: 'yes' } } }
const EXEC = 'command=true&container=main&stdout=true'

type Make = (place: Place, base: string) => ApiRequest

const podManifest = (place: Place, name: string) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: place.namespace, labels: { tried: 'yes' } },
  spec: {
    automountServiceAccountToken: false,
    containers: [{ name: 'main', image: 'busybox:1', imagePullPolicy: 'Never', command: ['sleep', '3600'] }],
    terminationGracePeriodSeconds: 0,
  },
})

/** A subresource whose body is the pod: PUT of the manifest, PATCH of a label. */
const podSubresource = (name: string): Record<string, Make> => ({
  [`pods/${name} update`]: (place) => ({
    method: 'PUT',
    path: `${pod(place)}/${name}`,
    body: place.current,
  }),
  [`pods/${name} patch`]: (place) => merge(`${pod(place)}/${name}`, LABEL),
})

/** A namespaced kind with the ordinary verbs. */
function kind(resource: string, name: (place: Place) => string, manifest: object): Record<string, Make> {
  const list = ({ namespace }: Place, base: string) => `${base}/namespaces/${namespace}/${resource}`
  const one: (place: Place, base: string) => string = (place, base) => `${list(place, base)}/${name(place)}`
  const body = (called: string) => ({ ...manifest, metadata: { name: called } })
  return {
    [`${resource} get`]: (place, base) => ({ path: one(place, base) }),
    [`${resource} list`]: (place, base) => ({ path: list(place, base) }),
    [`${resource} watch`]: (place, base) => ({ path: `${list(place, base)}?watch=true&timeoutSeconds=1` }),
    [`${resource} create`]: (place, base) => ({
      method: 'POST',
      path: list(place, base),
      body: body(place.fresh),
    }),
    [`${resource} update`]: (place, base) => ({
      method: 'PUT',
      path: one(place, base),
      body: body(name(place)),
    }),
    [`${resource} patch`]: (place, base) => merge(one(place, base), LABEL),
    [`${resource} delete`]: (place, base) => ({ method: 'DELETE', path: one(place, base) }),
    [`${resource} deletecollection`]: (place, base) => ({
      method: 'DELETE',
      path: `${list(place, base)}?labelSelector=tried`,
    }),
  }
}

/** A binding of the role that the gateway may bind, to itself. */
export function roleBinding(namespace: string, role = 'isthmus-tenant-namespace') {
  const apiGroup = 'rbac.authorization.k8s.io'
  return {
    apiVersion: `${apiGroup}/v1`,
    kind: 'RoleBinding',
    metadata: { name: role, namespace },
    roleRef: { apiGroup, kind: 'ClusterRole', name: role },
    subjects: [
      { apiGroup, kind: 'User', name: 'isthmus-gateway' },
      { kind: 'ServiceAccount', name: 'isthmus-gateway', namespace: 'isthmus-system' },
    ],
  }
}

const namespacePath = ({ namespace }: Place) => `/api/v1/namespaces/${namespace}`
const namespaceManifest = (name: string) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })

const REQUESTS: Readonly<Record<string, Make>> = {
  'namespaces get': (place) => ({ path: namespacePath(place) }),
  'namespaces list': () => ({ path: '/api/v1/namespaces' }),
  'namespaces watch': () => ({ path: '/api/v1/namespaces?watch=true&timeoutSeconds=1' }),
  'namespaces create': ({ fresh }) => ({
    method: 'POST',
    path: '/api/v1/namespaces',
    body: namespaceManifest(fresh),
  }),
  'namespaces update': (place) => ({
    method: 'PUT',
    path: namespacePath(place),
    body: namespaceManifest(place.namespace),
  }),
  'namespaces patch': (place) => merge(namespacePath(place), LABEL),
  'namespaces delete': (place) => ({ method: 'DELETE', path: namespacePath(place) }),
  ...kind('pods', (place) => place.pod, {}),
  'pods create': (place) => ({ method: 'POST', path: pods(place), body: podManifest(place, place.fresh) }),
  'pods update': (place) => ({ method: 'PUT', path: pod(place), body: place.current }),
  ...podSubresource('status'),
  ...podSubresource('resize'),
  ...podSubresource('ephemeralcontainers'),
  'pods/log get': (place) => ({ path: `${pod(place)}/log?container=main` }),
  'pods/exec get': (place) => ({ path: `${pod(place)}/exec?${EXEC}`, headers: EXEC_HEADERS }),
  'pods/exec create': (place) => ({ method: 'POST', path: `${pod(place)}/exec?${EXEC}`, headers: SPDY }),
  'pods/attach get': (place) => ({
    path: `${pod(place)}/attach?container=main&stdout=true`,
    headers: EXEC_HEADERS,
  }),
  'pods/attach create': (place) => ({
    method: 'POST',
    path: `${pod(place)}/attach?container=main&stdout=true`,
    headers: SPDY,
  }),
  'pods/portforward get': (place) => ({ path: `${pod(place)}/portforward`, headers: FORWARD_HEADERS }),
  'pods/portforward create': (place) => ({
    method: 'POST',
    path: `${pod(place)}/portforward`,
    headers: { ...SPDY, 'x-stream-protocol-version': 'portforward.k8s.io' },
  }),
  'pods/eviction create': (place) => ({
    method: 'POST',
    path: `${pod(place)}/eviction`,
    body: {
      apiVersion: 'policy/v1',
      kind: 'Eviction',
      metadata: { name: place.pod, namespace: place.namespace },
    },
  }),
  ...kind('events', () => 'tried', {}),
  'rolebindings get': (place, base) => ({ path: `${base}/namespaces/${place.namespace}/rolebindings/tried` }),
  'rolebindings create': (place, base) => ({
    method: 'POST',
    path: `${base}/namespaces/${place.namespace}/rolebindings`,
    body: roleBinding(place.namespace),
  }),
  ...kind('secrets', (place) => place.secret, { apiVersion: 'v1', kind: 'Secret' }),
  ...kind('configmaps', (place) => place.configMap, { apiVersion: 'v1', kind: 'ConfigMap' }),
  'serviceaccounts get': (place) => ({
    path: `/api/v1/namespaces/${place.namespace}/serviceaccounts/default`,
  }),
}
