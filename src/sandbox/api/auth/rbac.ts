import type { V1ClusterRole, V1PolicyRule, V1RoleBinding } from '@kubernetes/client-node'
import type { ResourceStore } from '../../store/types.ts'
import type { Decision } from '../context.ts'
import type { UserInfo } from '../errors.ts'
import type { RequestInfo } from '../request-info.ts'

const RBAC = 'rbac.authorization.k8s.io'

/** Role-based access control over the roles and bindings in the store. */
export interface Rbac {
  authorize(user: UserInfo, info: RequestInfo): Decision
  /** All rules that a user has, cluster-wide and in this namespace. */
  rulesOf(user: UserInfo, namespace: string): V1PolicyRule[]
  /** The rules of a role, none when it is missing. */
  rulesOfRole(kind: string, name: string, namespace: string): V1PolicyRule[]
}

export function createRbac(store: ResourceStore): Rbac {
  const rulesOfRole = (kind: string, name: string, namespace: string): V1PolicyRule[] => {
    const role =
      kind === 'ClusterRole'
        ? store.get<V1ClusterRole>(`clusterroles.${RBAC}`, { name })
        : store.get<V1ClusterRole>(`roles.${RBAC}`, { namespace, name })
    if (!role?.aggregationRule) return role?.rules ?? []
    return aggregated(store, role)
  }

  const rulesOf = (user: UserInfo, namespace: string): V1PolicyRule[] => {
    const bindings = [...store.list<V1RoleBinding>(`clusterrolebindings.${RBAC}`).items]
    if (namespace) bindings.push(...store.list<V1RoleBinding>(`rolebindings.${RBAC}`, { namespace }).items)
    return bindings
      .filter((binding) => isSubject(user, binding))
      .flatMap(({ roleRef, metadata }) => rulesOfRole(roleRef.kind, roleRef.name, metadata?.namespace ?? ''))
  }

  return {
    rulesOf,
    rulesOfRole,
    authorize(user, info) {
      if (user.groups.includes('system:masters')) return { allowed: true }
      const namespace = info.isResource ? info.namespace : ''
      return { allowed: rulesOf(user, namespace).some((rule) => ruleAllows(rule, info)) }
    },
  }
}

function aggregated(store: ResourceStore, role: V1ClusterRole): V1PolicyRule[] {
  const selectors = role.aggregationRule?.clusterRoleSelectors ?? []
  const { items } = store.list<V1ClusterRole>(`clusterroles.${RBAC}`)
  const chosen = items.filter((other) =>
    selectors.some(({ matchLabels = {} }) =>
      Object.entries(matchLabels).every(([key, value]) => other.metadata?.labels?.[key] === value),
    ),
  )
  return chosen.flatMap(({ rules }) => rules ?? [])
}

function isSubject(user: UserInfo, binding: V1RoleBinding): boolean {
  return (binding.subjects ?? []).some((subject) => {
    if (subject.kind === 'User') return subject.name === user.username
    if (subject.kind === 'Group') return user.groups.includes(subject.name)
    const namespace = subject.namespace ?? binding.metadata?.namespace
    return user.username === `system:serviceaccount:${namespace}:${subject.name}`
  })
}

/** Whether one rule allows a request (component-helpers rbac RulesAllow). */
export function ruleAllows(rule: V1PolicyRule, info: RequestInfo): boolean {
  const has = (list: readonly string[] | undefined, value: string) =>
    (list ?? []).some((each) => each === '*' || each === value)
  if (!has(rule.verbs, info.verb)) return false
  if (!info.isResource) {
    return (rule.nonResourceURLs ?? []).some((url) =>
      url.endsWith('*') ? info.path.startsWith(url.slice(0, -1)) : url === info.path,
    )
  }
  if (!has(rule.apiGroups, info.group)) return false
  const full = info.subresource ? `${info.resource}/${info.subresource}` : info.resource
  const named = (rule.resources ?? []).some(
    (each) => each === '*' || each === full || (info.subresource && each === `*/${info.subresource}`),
  )
  if (!named) return false
  return !rule.resourceNames?.length || rule.resourceNames.includes(info.name)
}
