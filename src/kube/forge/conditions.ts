import type { V1Pod, V1PodCondition } from '@kubernetes/client-node'
import { CARRIED } from './names.ts'

/** Condition of a pod that is about to be taken away by somebody else than its owner (KEP-3329). */
export const DISRUPTED = 'DisruptionTarget'

/**
 * Conditions that a kubelet owns, as of Kubernetes 1.36, and ours. PodScheduled is the scheduler's; a readiness
 * gate's is its controller's. All others stay as they are.
 */
const owned = new Set([
  'Initialized',
  'Ready',
  'ContainersReady',
  'PodReadyToStartContainers',
  'PodResizePending',
  'PodResizeInProgress',
  'AllContainersRestarting',
  DISRUPTED,
  CARRIED,
])

/** DisruptionTarget is shared: others write it as well, so its absence in the data plane removes nothing. */
const removable = (type: string) => owned.has(type) && type !== DISRUPTED && type !== CARRIED

/** A condition without the times and generations that `settle` gives it. */
export interface Wanted {
  type: string
  status: string
  reason?: string
  message?: string
  /** RFC 3339, when another kubelet has seen it change. */
  since?: string
}

const text = (time: unknown): string | undefined =>
  time ? new Date(time as string).toISOString() : undefined

function wanted(condition: V1PodCondition): Wanted {
  const { type, status, reason, message, lastTransitionTime } = condition
  return { type, status, reason, message, since: text(lastTransitionTime) }
}

/** Ready as the user's side sees it: the data plane's containers and the user's own readiness gates. */
export function readyOf(user: V1Pod, containersReady: Wanted | undefined, since: string | undefined): Wanted {
  if (containersReady?.status !== 'True') {
    return { ...(containersReady ?? { status: 'False', reason: 'ContainersNotReady' }), type: 'Ready', since }
  }
  const missing = (user.spec?.readinessGates ?? [])
    .filter(({ conditionType }) => {
      const gate = user.status?.conditions?.find(({ type }) => type === conditionType)
      return gate?.status !== 'True'
    })
    .map(
      ({ conditionType }) => `corresponding condition of pod readiness gate "${conditionType}" is not True.`,
    )
  if (missing.length > 0) {
    return { type: 'Ready', status: 'False', reason: 'ReadinessGatesNotReady', message: missing.join(' ') }
  }
  return { type: 'Ready', status: 'True', since }
}

/** The conditions that the data plane's pod gives the user's pod. */
export function wantedConditions(user: V1Pod, carried: V1Pod): Wanted[] {
  const theirs = (carried.status?.conditions ?? []).filter(({ type }) => owned.has(type)).map(wanted)
  const containersReady = theirs.find(({ type }) => type === 'ContainersReady')
  const ready = theirs.find(({ type }) => type === 'Ready')
  const rest = theirs.filter(({ type }) => type !== 'Ready' && type !== CARRIED)
  return [
    ...rest,
    ...(containersReady || ready ? [readyOf(user, containersReady ?? ready, ready?.since)] : []),
    { type: CARRIED, status: 'True', reason: 'Carried' },
  ]
}

/**
 * The pod's conditions after `changes`: foreign ones untouched, a transition's time kept while the status is,
 * since the node controller may have written Ready=False meanwhile the data plane's own time may be too old.
 */
export function settleConditions(
  user: V1Pod,
  changes: Wanted[],
  options: { now: string; observedGeneration?: number; complete: boolean },
): V1PodCondition[] {
  const present = user.status?.conditions ?? []
  const kept = present.filter(
    ({ type }) => !changes.some((change) => change.type === type) && !(options.complete && removable(type)),
  )
  const settled = changes.map((change) => {
    const before = present.find(({ type }) => type === change.type)
    const beforeTime = text(before?.lastTransitionTime)
    let time = change.since ?? options.now
    if (before?.status === change.status) time = beforeTime ?? time
    else if (beforeTime !== undefined && time < beforeTime) time = options.now
    return {
      type: change.type,
      status: change.status,
      lastProbeTime: null,
      lastTransitionTime: time.replace(/\.\d+Z$/, 'Z'),
      ...(change.reason ? { reason: change.reason } : {}),
      ...(change.message ? { message: change.message } : {}),
      ...(options.observedGeneration ? { observedGeneration: options.observedGeneration } : {}),
    } as unknown as V1PodCondition // JSON as it goes over the wire: times are text, a probe time is null
  })
  return [...kept, ...settled]
}
