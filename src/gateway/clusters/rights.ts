/** One question of a SelfSubjectAccessReview. */
export interface Right {
  group: string
  resource: string
  subresource?: string
  verb: string
  name?: string
}

const core = (resource: string, verbs: string, subresource?: string): Right[] =>
  verbs.split(' ').map((verb) => ({ group: '', resource, subresource, verb }))

/** What the gateway needs cluster-wide: the ClusterRole isthmus-gateway of deploy/data-plane.yaml, question by question. */
export const CLUSTER_RIGHTS: readonly Right[] = [
  ...core('namespaces', 'get list watch create update patch delete'),
  ...core('pods', 'get list watch create update patch delete deletecollection'),
  ...core('pods', 'get create', 'exec'),
  ...core('pods', 'get create', 'attach'),
  ...core('pods', 'get create', 'portforward'),
  ...core('pods', 'create', 'eviction'),
  ...core('pods', 'update patch', 'resize'),
  ...core('pods', 'update patch', 'ephemeralcontainers'),
  ...core('pods', 'update patch', 'status'),
  ...core('events', 'get list watch'),
  { group: 'rbac.authorization.k8s.io', resource: 'rolebindings', verb: 'get' },
  { group: 'rbac.authorization.k8s.io', resource: 'rolebindings', verb: 'create' },
  {
    group: 'rbac.authorization.k8s.io',
    resource: 'clusterroles',
    verb: 'bind',
    name: 'isthmus-tenant-namespace',
  },
]

/** As an operator reads it: `patch pods/status`. */
export function describeRight({ verb, resource, subresource, name }: Right): string {
  return `${verb} ${resource}${subresource ? `/${subresource}` : ''}${name ? ` "${name}"` : ''}`
}
