import { isDeepStrictEqual } from 'node:util'
import type { V1Pod, V1PodCondition, V1PodStatus } from '@kubernetes/client-node'

/** Fields that are replaced or cleared as a whole. */
const whole = [
  'phase',
  'reason',
  'message',
  'startTime',
  'hostIP',
  'podIP',
  'containerStatuses',
  'initContainerStatuses',
  'ephemeralContainerStatuses',
  'observedGeneration',
] as const satisfies readonly (keyof V1PodStatus)[]

/** Maps that the API server merges key by key: an amount that is gone would stay. */
const amounts = ['allocatedResources', 'resources'] as const satisfies readonly (keyof V1PodStatus)[]

/** Lists that the API server merges by `ip`: a changed address would be a second one, and 422 (rule 34). */
const addresses = ['hostIPs', 'podIPs'] as const satisfies readonly (keyof V1PodStatus)[]

/** As JSON would have it: a missing field and an undefined one are the same, times are text. */
function plain(value: unknown): unknown {
  return value === undefined || value === null ? undefined : JSON.parse(JSON.stringify(value))
}

const same = (a: unknown, b: unknown) => isDeepStrictEqual(plain(a), plain(b))
const empty = (value: unknown) =>
  value === undefined || value === null || value === '' || (Array.isArray(value) && value.length === 0)

function conditionChanges(before: V1PodCondition[], after: V1PodCondition[]): unknown[] {
  const changed = after.filter((condition) => {
    const old = before.find(({ type }) => type === condition.type)
    return !same({ ...old, lastProbeTime: undefined }, { ...condition, lastProbeTime: undefined })
  })
  const gone = before.filter(({ type }) => !after.some((condition) => condition.type === type))
  // `$retainKeys` is not for conditions: a reason that is gone has to be said as null.
  const cleared = changed.map((condition) => {
    const old = before.find(({ type }) => type === condition.type)
    return {
      ...condition,
      ...(old?.reason && !condition.reason ? { reason: null } : {}),
      ...(old?.message && !condition.message ? { message: null } : {}),
    }
  })
  return [...cleared, ...gone.map(({ type }) => ({ type, $patch: 'delete' }))]
}

/**
 * The strategic-merge patch that turns the pod's status, as the API server has it, into `wanted`: only what
 * differs, with the pod's UID, so that a pod of the same name made meanwhile is refused (422). `undefined` when
 * nothing differs. Fields that `wanted` does not name (qosClass, resourceClaimStatuses, …) stay.
 */
export function statusPatch(current: V1Pod, wanted: V1PodStatus): object | undefined {
  const before: V1PodStatus = current.status ?? {}
  const status: Record<string, unknown> = {}
  for (const field of whole) {
    if (empty(before[field]) && empty(wanted[field])) continue
    if (!same(before[field], wanted[field])) status[field] = wanted[field] ?? null
  }
  for (const field of amounts) {
    const now = wanted[field]
    if (same(before[field], now)) continue
    status[field] = now ? { ...now, $patch: 'replace' } : null
  }
  for (const field of addresses) {
    const [old, now] = [before[field] ?? [], wanted[field] ?? []]
    if (!same(old, now)) status[field] = now.length > 0 ? [...now, { $patch: 'replace' }] : null
  }
  const conditions = conditionChanges(before.conditions ?? [], wanted.conditions ?? [])
  if (conditions.length > 0) status['conditions'] = conditions
  if (Object.keys(status).length === 0) return undefined
  return { metadata: { uid: current.metadata?.uid }, status }
}
