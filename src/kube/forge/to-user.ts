import type { V1ContainerStatus, V1Pod, V1PodStatus } from '@kubernetes/client-node'
import { DISRUPTED, settleConditions, type Wanted, wantedConditions } from './conditions.ts'
import { annotation } from './names.ts'
import { withOwnResources } from './own-resources.ts'
import { settleStatuses } from './transitions.ts'

/** What a status needs beside the two pods. */
export interface StatusFacts {
  /** InternalIP of the virtual node. */
  hostIp: string
  /** Whether the data plane's pod addresses mean anything to the user (rule 42). */
  flatNetwork: boolean
  /** RFC 3339, for transitions that happen now. */
  now: string
  /** Why a resize waits that the data plane has not been asked for yet: there is no quota for it (rule 44). */
  deferredResize?: string
}

/** Whether the pod's phase is final. */
export function isTerminal(pod: V1Pod): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed'
}

/** Statuses of every container of the pod, of all three kinds. */
export function allStatuses(status: V1PodStatus | undefined): V1ContainerStatus[] {
  return [
    ...(status?.initContainerStatuses ?? []),
    ...(status?.containerStatuses ?? []),
    ...(status?.ephemeralContainerStatuses ?? []),
  ]
}

/** Whether somebody has said that the pod is about to be taken away. */
export function isDisrupted(status: V1PodStatus | undefined): boolean {
  return status?.conditions?.some(({ type, status }) => type === DISRUPTED && status === 'True') ?? false
}

/** Whether the data plane ends the pod by itself: an eviction, a preemption, a machine that is drained. */
function isTaken(user: V1Pod, carried: V1Pod): boolean {
  return carried.metadata?.deletionTimestamp !== undefined && user.metadata?.deletionTimestamp === undefined
}

/**
 * The data plane's phase, but a final one only when nothing runs any more: it is one way (rule 35). A pod that
 * was to run for ever and was taken away has failed, whatever its containers made of their end, so that its
 * controller replaces it.
 */
function phaseOf(user: V1Pod, carried: V1Pod): string | undefined {
  const phase = carried.status?.phase
  if (!isTerminal(carried)) return phase
  const running = allStatuses(carried.status).some(({ state }) => state?.running)
  if (running) return user.status?.phase ?? 'Running'
  const forEver = (user.spec?.restartPolicy ?? 'Always') === 'Always'
  return forEver && isTaken(user, carried) ? 'Failed' : phase
}

/** Why the data plane takes the pod away, as the condition that Job and ReplicaSet controllers look at. */
function disruption(user: V1Pod, carried: V1Pod): Wanted[] {
  if (!isTaken(user, carried) || isDisrupted(carried.status) || isDisrupted(user.status)) return []
  const message = 'The data plane ends the pod.'
  return [{ type: DISRUPTED, status: 'True', reason: 'DeletionByDataPlane', message }]
}

/** Deferred, never Infeasible, which would make the scheduler forget the wish (KEP-1287); the data plane's word goes first. */
function resizePending(carried: V1Pod, message: string | undefined): Wanted[] {
  const told = carried.status?.conditions?.some(({ type }) => type === 'PodResizePending')
  return message === undefined || told
    ? []
    : [{ type: 'PodResizePending', status: 'True', reason: 'Deferred', message }]
}

/**
 * The generation of the user's pod that the data plane's kubelet has seen: the one that was carried last, once
 * the data plane says that it has seen the newest of its own. API servers before 1.33 know no pod generations.
 */
function observedGeneration(user: V1Pod, carried: V1Pod): number | undefined {
  if (!user.metadata?.generation) return undefined
  const seen = carried.status?.observedGeneration
  if (seen !== undefined && seen < (carried.metadata?.generation ?? 0)) return user.status?.observedGeneration
  const known = Number(carried.metadata?.annotations?.[annotation.generation])
  return Number.isInteger(known) && known > 0 ? Math.min(known, user.metadata.generation) : undefined
}

/**
 * The status of the user's pod by what carries it. Pure. `undefined` when the user's pod is final: it is never
 * woken again.
 */
export function toUserStatus(user: V1Pod, carried: V1Pod, facts: StatusFacts): V1PodStatus | undefined {
  if (isTerminal(user)) return undefined
  const theirs = withOwnResources(user, carried.status ?? {})
  const before = user.status
  const generation = observedGeneration(user, carried)
  const podIPs = facts.flatNetwork ? theirs.podIPs : undefined
  const changes = [
    ...wantedConditions(user, carried),
    ...disruption(user, carried),
    ...resizePending(carried, facts.deferredResize),
  ]
  const conditions = settleConditions(user, changes, {
    now: facts.now,
    observedGeneration: generation,
    complete: true,
  })
  const settle = (
    kind: 'containers' | 'initContainers',
    now: V1ContainerStatus[] | undefined,
    old: V1ContainerStatus[] | undefined,
  ) => settleStatuses(user, user.spec?.[kind], now, old)
  const phase = phaseOf(user, carried) ?? before?.phase ?? 'Pending'
  const target = phase === 'Failed' ? conditions.find(({ type }) => type === DISRUPTED) : undefined
  return {
    phase,
    reason: theirs.reason ?? target?.reason,
    message: theirs.message ?? target?.message,
    conditions,
    startTime: before?.startTime ?? theirs.startTime,
    hostIP: facts.hostIp,
    hostIPs: [{ ip: facts.hostIp }],
    podIP: podIPs?.[0]?.ip,
    podIPs,
    containerStatuses: settle('containers', theirs.containerStatuses, before?.containerStatuses),
    initContainerStatuses: settle(
      'initContainers',
      theirs.initContainerStatuses,
      before?.initContainerStatuses,
    ),
    ephemeralContainerStatuses: theirs.ephemeralContainerStatuses,
    allocatedResources: theirs.allocatedResources,
    resources: theirs.resources,
    ...(generation ? { observedGeneration: generation } : {}),
  }
}
