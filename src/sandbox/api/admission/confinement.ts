import type {
  V1PodSpec,
  V1ValidatingAdmissionPolicy,
  V1ValidatingAdmissionPolicyBinding,
} from '@kubernetes/client-node'
import { IsthmusError } from '../../../protocol/errors/index.ts'
import type { ResourceStore } from '../../store/types.ts'
import type { AdmissionRequest } from '../context.ts'
import { refusal } from '../errors.ts'
import type { AdmissionPlugin } from './index.ts'

const GROUP = 'admissionregistration.k8s.io'
const TENANT_NAMESPACE = /^t-[a-z2-7]{26}$/
const NODE_LABEL = 'isthmus.dev/node'
const EXEMPT = new Set(['authorization.k8s.io', 'authentication.k8s.io'])

/** A validation of deploy/data-plane.yaml: recognised by a text in its expression, decided here and not as CEL. */
interface NativeRule {
  marker: string
  holds(request: AdmissionRequest): boolean
}

const rules: readonly NativeRule[] = [
  {
    marker: '^t-[a-z2-7]{26}$',
    holds: ({ resource, group, namespace, name }) =>
      TENANT_NAMESPACE.test(resource === 'namespaces' && group === '' ? name : namespace),
  },
  {
    marker: NODE_LABEL,
    holds: ({ operation, resource, object, oldObject }) =>
      operation !== 'UPDATE' ||
      (resource !== 'pods' && resource !== 'namespaces') ||
      (object?.metadata.labels?.[NODE_LABEL] ?? '') === (oldObject?.metadata.labels?.[NODE_LABEL] ?? ''),
  },
  {
    marker: 'hostNetwork',
    holds: (request) => {
      const spec = writtenPod(request)
      return !(spec?.hostNetwork || spec?.hostPID || spec?.hostIPC)
    },
  },
  {
    marker: 'privileged',
    holds: (request) => {
      const spec = writtenPod(request)
      const all = [
        ...(spec?.containers ?? []),
        ...(spec?.initContainers ?? []),
        ...(spec?.ephemeralContainers ?? []),
      ]
      return !all.some(({ securityContext }) => securityContext?.privileged)
    },
  },
  {
    marker: 'hostPath',
    holds: (request) => !writtenPod(request)?.volumes?.some(({ hostPath }) => hostPath),
  },
]

/** The spec of the pod that a request writes, if it writes one. */
function writtenPod({
  resource,
  group,
  operation,
  subresource,
  object,
}: AdmissionRequest): V1PodSpec | undefined {
  if (resource !== 'pods' || group !== '' || (operation !== 'CREATE' && operation !== 'UPDATE'))
    return undefined
  return ['', 'resize', 'ephemeralcontainers', 'status'].includes(subresource)
    ? (object?.['spec'] as V1PodSpec | undefined)
    : undefined
}

/**
 * The ValidatingAdmissionPolicy of deploy/data-plane.yaml, enforced natively once it and its binding are there: who
 * writes or connects under a username that a match condition lists does so in namespaces called `t-…`, and so on.
 * Any other policy is stored and has no effect (`unenforcedValidations` says so).
 */
export function createConfinement(store: ResourceStore): AdmissionPlugin {
  return (request) => {
    if (request.phase !== 'validate' || EXEMPT.has(request.group)) return
    const { items } = store.list<V1ValidatingAdmissionPolicy>(`validatingadmissionpolicies.${GROUP}`)
    for (const policy of items) {
      if (!namesUser(policy, request.user.username)) continue
      const name = policy.metadata?.name ?? ''
      const binding = bindingOf(store, name)
      if (!binding) continue
      for (const validation of policy.spec?.validations ?? []) {
        const rule = rules.find(({ marker }) => validation.expression.includes(marker))
        if (!rule || rule.holds(request)) continue
        const message = validation.message ?? `failed expression: ${validation.expression}`
        const text = `ValidatingAdmissionPolicy '${name}' with binding '${binding}' denied request: ${message}`
        const refused = refusal(request.resource, request.group, request.name, text)
        if (validation.reason === 'Forbidden') throw refused
        // The reason of a validation is Invalid (422) unless the policy says otherwise.
        throw new IsthmusError('invalid', refused.message, refused.details)
      }
    }
  }
}

/** Expressions of a policy that the sandbox does not know, and that therefore refuse nothing here. */
export function unenforcedValidations(policy: unknown): string[] {
  const { spec } = policy as V1ValidatingAdmissionPolicy
  const expressions = (spec?.validations ?? []).map(({ expression }) => expression ?? '')
  return expressions.filter((expression) => !rules.some(({ marker }) => expression.includes(marker)))
}

function namesUser(policy: V1ValidatingAdmissionPolicy, username: string): boolean {
  const conditions = policy.spec?.matchConditions ?? []
  return conditions.some(({ expression }) => {
    if (!/request\.userInfo\.username\s*(==|in)\s*/.test(expression)) return false
    const quoted = [...expression.matchAll(/(['"])([^'"]+)\1/g)].map((match) => match[2])
    return quoted.includes(username)
  })
}

function bindingOf(store: ResourceStore, policy: string): string | undefined {
  const { items } = store.list<V1ValidatingAdmissionPolicyBinding>(
    `validatingadmissionpolicybindings.${GROUP}`,
  )
  const found = items.find(
    ({ spec }) => spec?.policyName === policy && spec.validationActions?.includes('Deny'),
  )
  return found?.metadata?.name
}
