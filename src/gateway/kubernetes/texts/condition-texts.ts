import type { Asked } from '../asked.ts'
import type { Condition, ContainerStatus, Pod } from '../objects.ts'

/** Texts by the reason of a pod's status: why the data plane ended it, without where. */
const byReason: Readonly<Record<string, string>> = {
  DeadlineExceeded: 'Pod was active longer than its activeDeadlineSeconds',
  Evicted: 'The pod was evicted: its machine ran out of a resource',
  NodeAffinity: 'The pod does not fit the machine it was given',
  NodeLost: 'The machine that ran the pod was lost',
  NodeShutdown: 'The machine that ran the pod was shut down',
  OutOfcpu: 'The machine had not enough cpu left',
  OutOfmemory: 'The machine had not enough memory left',
  OutOfpods: 'The machine had no room for another pod',
  Preempting: 'The pod was preempted by one of higher priority',
  Shutdown: 'The machine that ran the pod was shut down',
  Terminated: 'The machine that ran the pod was shut down',
  UnexpectedAdmissionError: 'The machine could not take the pod',
}

/** Text of `status.message` for a reason. */
export function statusMessage(reason: string | undefined): string | undefined {
  return reason === undefined ? undefined : byReason[reason]
}

/** Texts by the reason of a condition. */
const conditionByReason: Readonly<Record<string, string>> = {
  ...byReason,
  Unschedulable: 'The data plane has no room for the pod at present',
  SchedulingGated: 'Scheduling is blocked due to non-empty scheduling gates',
  SchedulerError: 'The data plane could not schedule the pod',
  DeletionByTaintManager: 'The machine that ran the pod became unfit',
  DeletionByPodGC: 'The pod was removed after its machine was lost',
  EvictionByEvictionAPI: 'Eviction API: evicting',
  PreemptionByScheduler: 'The pod was preempted by one of higher priority',
  TerminationByKubelet: 'The pod was ended by its machine',
  Deferred: 'The machine has no room for the new size at present',
  Infeasible: 'No machine of this kind can hold the new size',
}

/** The text of a condition, rebuilt from its type and reason; undefined where there is nothing to say. */
export function conditionMessage(
  condition: Condition,
  pod: Pod,
  asked: Asked | undefined,
): string | undefined {
  const reason = condition.reason
  if (reason === undefined) return undefined
  if (reason === 'ContainersNotReady') {
    const names = lagging(pod.status?.containerStatuses, asked?.containers, ({ ready }) => ready === true)
    return `containers with unready status: [${names.join(' ')}]`
  }
  if (reason === 'ContainersNotInitialized') {
    const names = lagging(
      pod.status?.initContainerStatuses,
      asked?.initContainers,
      ({ ready, state }) => ready === true || state?.terminated?.exitCode === 0,
    )
    return `containers with incomplete status: [${names.join(' ')}]`
  }
  if (reason === 'ReadinessGatesNotReady') return 'a readiness gate has no condition that is True'
  return conditionByReason[reason]
}

function lagging(
  statuses: readonly ContainerStatus[] | null | undefined,
  known: readonly string[] | undefined,
  done: (status: ContainerStatus) => boolean,
): string[] {
  return (statuses ?? [])
    .filter((status) => !done(status) && (known === undefined || known.includes(status.name)))
    .map(({ name }) => name)
}
