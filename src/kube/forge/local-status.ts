import type { V1ContainerStatus, V1Pod, V1PodStatus } from '@kubernetes/client-node'
import { settleConditions } from './conditions.ts'
import { CARRIED } from './names.ts'
import { allStatuses, isDisrupted } from './to-user.ts'
import type { Refusal } from './unsupported.ts'

/** The containers of a pod of which one can not be made. */
function faultyContainers(user: V1Pod, why: Refusal, faulty: string): V1ContainerStatus[] | undefined {
  return user.spec?.containers.map(({ name, image = '' }) => {
    const waiting =
      name === faulty ? { reason: why.reason, message: why.message } : { reason: 'ContainerCreating' }
    return { name, image, imageID: '', ready: false, started: false, restartCount: 0, state: { waiting } }
  })
}

/**
 * The status of a pod that waits: Pending, with the reason where kubectl shows it and as a condition (rule 38).
 * No container statuses: a waiting reason such as ContainerCreating would hide ours (rule 34), unless the fault is a
 * container's own, which kubelets report there.
 */
export function waitingStatus(user: V1Pod, why: Refusal & { container?: string }, now: string): V1PodStatus {
  return {
    ...user.status,
    ...(why.container !== undefined ? { containerStatuses: faultyContainers(user, why, why.container) } : {}),
    phase: user.status?.phase ?? 'Pending',
    reason: why.reason,
    message: why.message,
    conditions: settleConditions(
      user,
      [{ type: CARRIED, status: 'False', reason: why.reason, message: why.message }],
      { now, observedGeneration: user.status?.observedGeneration, complete: false },
    ),
  }
}

/** Exit code that kubelets report for a container that they can not find any more. */
const LOST_EXIT_CODE = 137

function ended(status: V1ContainerStatus, now: string): V1ContainerStatus {
  if (status.state?.terminated) return { ...status, ready: false, started: false }
  const terminated = {
    exitCode: LOST_EXIT_CODE,
    reason: 'ContainerStatusUnknown',
    message: 'The container could not be located when the pod was deleted',
    finishedAt: now as unknown as Date, // as it goes over the wire
  }
  return { ...status, ready: false, started: false, state: { terminated } }
}

/**
 * The last status of a pod that the data plane no longer has (or never had): final, every container ended.
 * Succeeded only where all containers are known to have; with it Ready and ContainersReady fall in the same
 * patch (kubernetes/kubernetes#108594).
 */
export function finalStatus(
  user: V1Pod,
  options: { why?: Refusal; now: string; disrupted?: boolean },
): V1PodStatus {
  const { now, why } = options
  const before = user.status ?? {}
  const containers = before.containerStatuses
  const succeeded =
    !why &&
    containers !== undefined &&
    containers.length === (user.spec?.containers.length ?? 0) &&
    containers.every(({ state }) => state?.terminated?.exitCode === 0)
  const reason = succeeded ? 'PodCompleted' : 'PodFailed'
  const hasReady = (type: string) => before.conditions?.some((condition) => condition.type === type)
  const fallen = ['Ready', 'ContainersReady'].filter(
    (type) => hasReady(type) || allStatuses(before).length > 0,
  )
  return {
    ...before,
    phase: succeeded ? 'Succeeded' : 'Failed',
    reason: why?.reason,
    message: why?.message,
    conditions: settleConditions(
      user,
      [
        ...fallen.map((type) => ({ type, status: 'False', reason })),
        ...(options.disrupted && !isDisrupted(before)
          ? [
              {
                type: 'DisruptionTarget',
                status: 'True',
                reason: 'DeletionByDataPlane',
                message: why?.message,
              },
            ]
          : []),
      ],
      { now, observedGeneration: before.observedGeneration, complete: false },
    ),
    containerStatuses: containers?.map((status) => ended(status, now)),
    initContainerStatuses: before.initContainerStatuses?.map((status) => ended(status, now)),
    ephemeralContainerStatuses: before.ephemeralContainerStatuses?.map((status) => ended(status, now)),
  }
}
