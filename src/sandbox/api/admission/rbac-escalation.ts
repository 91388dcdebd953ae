import type { V1PolicyRule, V1RoleRef } from '@kubernetes/client-node'
import type { Rbac } from '../auth/rbac.ts'
import type { AdmissionRequest } from '../context.ts'
import { refusal } from '../errors.ts'
import type { AdmissionPlugin } from './index.ts'

const GROUP = 'rbac.authorization.k8s.io'

/**
 * Nobody grants what they do not hold (registry/rbac policybased storage): a role needs `escalate` or all of its rules,
 * a binding `bind` on the role or all of its rules.
 */
export function createRbacEscalation(rbac: Rbac): AdmissionPlugin {
  return (request) => {
    const { phase, operation, group, resource, object, user, namespace } = request
    if (phase !== 'validate' || group !== GROUP || !object || user.groups.includes('system:masters')) return
    if (operation !== 'CREATE' && operation !== 'UPDATE') return
    if (resource === 'roles' || resource === 'clusterroles') {
      if (may(rbac, request, 'escalate', resource, request.name)) return
      demand(rbac, request, (object['rules'] ?? []) as V1PolicyRule[])
      return
    }
    const reference = object['roleRef'] as V1RoleRef
    const roles = reference.kind === 'ClusterRole' ? 'clusterroles' : 'roles'
    if (may(rbac, request, 'bind', roles, reference.name)) return
    demand(rbac, request, rbac.rulesOfRole(reference.kind, reference.name, namespace))
  }
}

function may(
  rbac: Rbac,
  { user, namespace }: AdmissionRequest,
  verb: string,
  resource: string,
  name: string,
): boolean {
  const info = {
    isResource: true,
    group: GROUP,
    version: 'v1',
    resource,
    subresource: '',
    namespace,
    name,
    path: '',
  } as const
  return rbac.authorize(user, { ...info, verb: verb as 'get' }).allowed
}

function demand(
  rbac: Rbac,
  { user, namespace, resource, name }: AdmissionRequest,
  rules: readonly V1PolicyRule[],
): void {
  const held = rbac.rulesOf(user, namespace)
  const missing = rules.filter((rule) => !covers(held, rule))
  if (missing.length === 0) return
  const list = missing.map(describe).join('\n')
  const groups = user.groups.map((group) => JSON.stringify(group)).join(' ')
  const text = `user "${user.username}" (groups=[${groups}]) is attempting to grant RBAC permissions not currently held:\n${list}`
  throw refusal(resource, GROUP, name, text)
}

/** Whether each single right of `rule` is in some held rule. */
function covers(held: readonly V1PolicyRule[], rule: V1PolicyRule): boolean {
  const has = (list: readonly string[] | undefined, value: string) =>
    (list ?? []).some((each) => each === '*' || each === value)
  for (const verb of rule.verbs) {
    for (const url of rule.nonResourceURLs ?? []) {
      if (!held.some((own) => has(own.verbs, verb) && has(own.nonResourceURLs, url))) return false
    }
    for (const group of rule.apiGroups ?? []) {
      for (const resource of rule.resources ?? []) {
        const names = rule.resourceNames?.length ? rule.resourceNames : [undefined]
        for (const name of names) {
          const found = held.some(
            (own) =>
              has(own.verbs, verb) &&
              has(own.apiGroups, group) &&
              has(own.resources, resource) &&
              (!own.resourceNames?.length || (name !== undefined && own.resourceNames.includes(name))),
          )
          if (!found) return false
        }
      }
    }
  }
  return true
}

function describe(rule: V1PolicyRule): string {
  const list = (values: readonly string[] | undefined) =>
    `[${(values ?? []).map((value) => JSON.stringify(value)).join(' ')}]`
  const names = rule.resourceNames?.length ? `, ResourceNames:${list(rule.resourceNames)}` : ''
  return `{APIGroups:${list(rule.apiGroups)}, Resources:${list(rule.resources)}${names}, Verbs:${list(rule.verbs)}}`
}
