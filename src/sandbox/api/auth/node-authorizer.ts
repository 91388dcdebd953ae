import type { V1Pod } from '@kubernetes/client-node'
import { parseFieldTerms } from '../../store/field-selector.ts'
import type { ResourceStore } from '../../store/types.ts'
import type { Decision } from '../context.ts'
import type { UserInfo } from '../errors.ts'
import type { ResourceRequest } from '../request-info.ts'
import { referencesOf } from './pod-references.ts'

/** The node that a user is, or undefined: CN `system:node:<name>` in `system:nodes`. */
export function nodeNameOf(user: UserInfo): string | undefined {
  const prefix = 'system:node:'
  if (!user.groups.includes('system:nodes') || !user.username.startsWith(prefix)) return undefined
  return user.username.slice(prefix.length)
}

/** What a node may do without an object in question (bootstrappolicy NodeRules, the part a virtual node uses). */
const plain: Record<string, readonly string[]> = {
  '/nodes': ['create'],
  '/nodes/status': ['update', 'patch'],
  '/pods': ['create', 'delete'],
  '/pods/status': ['update', 'patch'],
  '/pods/eviction': ['create'],
  '/services': ['get', 'list', 'watch'],
  '/events': ['create', 'patch', 'update'],
  'events.k8s.io/events': ['create', 'patch', 'update'],
  'authentication.k8s.io/tokenreviews': ['create'],
  'authentication.k8s.io/selfsubjectreviews': ['create'],
  'authorization.k8s.io/subjectaccessreviews': ['create'],
  'authorization.k8s.io/localsubjectaccessreviews': ['create'],
  'authorization.k8s.io/selfsubjectaccessreviews': ['create'],
  'authorization.k8s.io/selfsubjectrulesreviews': ['create'],
  'certificates.k8s.io/certificatesigningrequests': ['create', 'get', 'list', 'watch'],
}

/**
 * The Node authorizer (plugin/pkg/auth/authorizer/node), read from the pods in the store: a node sees itself, the pods
 * bound to it, and by name what these refer to. Real servers learn references a moment after the binding; this one at once.
 */
export function authorizeNode(
  store: ResourceStore,
  node: string,
  info: ResourceRequest,
  query: URLSearchParams | undefined,
): Decision {
  const key = `${info.group}/${info.resource}${info.subresource ? `/${info.subresource}` : ''}`
  const yes: Decision = { allowed: true }
  const no = (reason: string): Decision => ({ allowed: false, reason })
  const { verb, name, namespace } = info
  const reading = verb === 'get' || verb === 'list' || verb === 'watch'
  const bound = () => store.list<V1Pod>('pods', { fieldSelector: `spec.nodeName=${node}` }).items
  if (key === '/nodes' && (reading || verb === 'update' || verb === 'patch')) {
    return name === node ? yes : no(`node '${node}' cannot ${verb} node '${name}', only its own Node object`)
  }
  if (key === '/pods' && reading) {
    if (verb !== 'get') {
      const terms = parseFieldTerms(query?.get('fieldSelector') ?? '')
      const own = terms.some((term) => term.field === 'spec.nodeName' && term.equal && term.value === node)
      return own ? yes : no('can only list/watch pods with spec.nodeName field selector')
    }
    const found = bound().some((pod) => pod.metadata?.name === name && pod.metadata.namespace === namespace)
    return found ? yes : no(`no relationship found between node '${node}' and this object`)
  }
  if (key === 'coordination.k8s.io/leases') {
    const own = namespace === 'kube-node-lease' && (name === node || (verb === 'create' && !name))
    const allowed = own && ['get', 'create', 'update', 'patch', 'delete'].includes(verb)
    return allowed ? yes : no('can only access node lease with the same name as the requesting node')
  }
  const kinds = {
    '/secrets': 'secrets',
    '/configmaps': 'configMaps',
    '/persistentvolumeclaims': 'claims',
  } as const
  const kind = kinds[key as keyof typeof kinds]
  if (kind) {
    if (!reading || !name) return no(`can only read ${info.resource} by name`)
    if (kind === 'claims' && verb !== 'get') return no(`can only get individual resources of this type`)
    const referred = bound().some(
      (pod) => pod.metadata?.namespace === namespace && referencesOf(pod)[kind].has(name),
    )
    return referred ? yes : no(`no relationship found between node '${node}' and this object`)
  }
  if (key === '/serviceaccounts/token' || (key === '/serviceaccounts' && verb === 'get')) {
    const used = bound().some(
      (pod) => pod.metadata?.namespace === namespace && (pod.spec?.serviceAccountName || 'default') === name,
    )
    return used ? yes : no(`no relationship found between node '${node}' and this object`)
  }
  return plain[key]?.includes(verb) ? yes : { allowed: false }
}
