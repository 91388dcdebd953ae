/** Verbs of Kubernetes' authorization; discovery lists them, the routes follow from them. */
export type Verb = 'create' | 'delete' | 'deletecollection' | 'get' | 'list' | 'patch' | 'update' | 'watch'

export interface Subresource {
  name: string
  kind: string
  /** Group and version of the kind where they differ from the resource's. */
  group?: string
  version?: string
  verbs: readonly Verb[]
}

/** One resource that the Kubernetes face serves. */
export interface Resource {
  /** `''` is the core group. */
  group: string
  version: string
  name: string
  singular: string
  kind: string
  namespaced: boolean
  shortNames?: readonly string[]
  categories?: readonly string[]
  verbs: readonly Verb[]
  subresources?: readonly Subresource[]
}

const full: readonly Verb[] = [
  'create',
  'delete',
  'deletecollection',
  'get',
  'list',
  'patch',
  'update',
  'watch',
]
const change: readonly Verb[] = ['get', 'patch', 'update']
const read: readonly Verb[] = ['get', 'list', 'watch']

export const pods: Resource = {
  group: '',
  version: 'v1',
  name: 'pods',
  singular: 'pod',
  kind: 'Pod',
  namespaced: true,
  shortNames: ['po'],
  categories: ['all'],
  verbs: full,
  subresources: [
    { name: 'attach', kind: 'PodAttachOptions', verbs: ['create', 'get'] },
    { name: 'ephemeralcontainers', kind: 'Pod', verbs: change },
    { name: 'eviction', kind: 'Eviction', group: 'policy', version: 'v1', verbs: ['create'] },
    { name: 'exec', kind: 'PodExecOptions', verbs: ['create', 'get'] },
    { name: 'log', kind: 'Pod', verbs: ['get'] },
    { name: 'portforward', kind: 'PodPortForwardOptions', verbs: ['create', 'get'] },
    { name: 'resize', kind: 'Pod', verbs: change },
    { name: 'status', kind: 'Pod', verbs: change },
  ],
}

export const configmaps: Resource = {
  group: '',
  version: 'v1',
  name: 'configmaps',
  singular: 'configmap',
  kind: 'ConfigMap',
  namespaced: true,
  shortNames: ['cm'],
  verbs: full,
}

export const secrets: Resource = {
  group: '',
  version: 'v1',
  name: 'secrets',
  singular: 'secret',
  kind: 'Secret',
  namespaced: true,
  verbs: full,
}

export const namespaces: Resource = {
  group: '',
  version: 'v1',
  name: 'namespaces',
  singular: 'namespace',
  kind: 'Namespace',
  namespaced: false,
  shortNames: ['ns'],
  verbs: ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'],
}

export const coreEvents: Resource = {
  group: '',
  version: 'v1',
  name: 'events',
  singular: 'event',
  kind: 'Event',
  namespaced: true,
  shortNames: ['ev'],
  verbs: read,
}

export const events: Resource = { ...coreEvents, group: 'events.k8s.io' }

export const selfSubjectReviews: Resource = {
  group: 'authentication.k8s.io',
  version: 'v1',
  name: 'selfsubjectreviews',
  singular: 'selfsubjectreview',
  kind: 'SelfSubjectReview',
  namespaced: false,
  verbs: ['create'],
}

export const selfSubjectAccessReviews: Resource = {
  group: 'authorization.k8s.io',
  version: 'v1',
  name: 'selfsubjectaccessreviews',
  singular: 'selfsubjectaccessreview',
  kind: 'SelfSubjectAccessReview',
  namespaced: false,
  verbs: ['create'],
}

/**
 * Everything that is served: discovery, OpenAPI, access reviews and the routes are made from this table. What is
 * not in it answers 404 (design.md §2).
 */
export const servedResources: readonly Resource[] = [
  configmaps,
  coreEvents,
  namespaces,
  pods,
  secrets,
  events,
  selfSubjectReviews,
  selfSubjectAccessReviews,
]

/** `pods`, or `events.events.k8s.io` where a group says more: how errors name a resource (schema.GroupResource). */
export function qualifiedName(resource: Pick<Resource, 'group' | 'name'>): string {
  return resource.group === '' ? resource.name : `${resource.name}.${resource.group}`
}

/** `v1` or `events.k8s.io/v1`. */
export function groupVersion(resource: Pick<Resource, 'group' | 'version'>): string {
  return resource.group === '' ? resource.version : `${resource.group}/${resource.version}`
}
