import type { V1ContainerStatus, V1Pod, V1PodStatus } from '@kubernetes/client-node'
import { settleConditions, wantedConditions } from './conditions.ts'
import { annotation } from './names.ts'

/** What a status needs beside the two pods. */
export interface StatusFacts {
  /** InternalIP of the virtual node. */
  hostIp: string
  /** Whether the data plane's pod addresses mean anything to the user (rule 42). */
  flatNetwork: boolean
  /** RFC 3339, for transitions that happen now. */
  now: string
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

/** Restart counts never fall, whatever the data plane did with the pod meanwhile (conformance). */
function withCounts(
  now: V1ContainerStatus[] | undefined,
  before: V1ContainerStatus[] | undefined,
): V1ContainerStatus[] | undefined {
  return now?.map((status) => {
    const old = before?.find(({ name }) => name === status.name)
    return old && old.restartCount > status.restartCount
      ? { ...status, restartCount: old.restartCount }
      : status
  })
}

/** The data plane's phase, but a final one only when nothing runs any more: it is one way (rule 35). */
function phaseOf(user: V1Pod, carried: V1Pod): string | undefined {
  const phase = carried.status?.phase
  if (!isTerminal(carried)) return phase
  const running = allStatuses(carried.status).some(({ state }) => state?.running)
  return running ? (user.status?.phase ?? 'Running') : phase
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
  const theirs = carried.status ?? {}
  const before = user.status
  const generation = observedGeneration(user, carried)
  const podIPs = facts.flatNetwork ? theirs.podIPs : undefined
  return {
    phase: phaseOf(user, carried) ?? before?.phase ?? 'Pending',
    reason: theirs.reason,
    message: theirs.message,
    conditions: settleConditions(user, wantedConditions(user, carried), {
      now: facts.now,
      observedGeneration: generation,
      complete: true,
    }),
    startTime: before?.startTime ?? theirs.startTime,
    hostIP: facts.hostIp,
    hostIPs: [{ ip: facts.hostIp }],
    podIP: podIPs?.[0]?.ip,
    podIPs,
    containerStatuses: withCounts(theirs.containerStatuses, before?.containerStatuses),
    initContainerStatuses: withCounts(theirs.initContainerStatuses, before?.initContainerStatuses),
    ephemeralContainerStatuses: withCounts(
      theirs.ephemeralContainerStatuses,
      before?.ephemeralContainerStatuses,
    ),
    allocatedResources: theirs.allocatedResources,
    resources: theirs.resources,
    ...(generation ? { observedGeneration: generation } : {}),
  }
}
