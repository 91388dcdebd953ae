import type { V1ContainerStatus, V1Pod } from '@kubernetes/client-node'
import type { KubeObject } from '../../store/types.ts'
import { age, ageColumn, column, nameColumn, wide } from './columns.ts'
import type { Column } from './definition.ts'

const asPod = (object: KubeObject) => object as unknown as V1Pod

/** kubectl's columns of pods (printers/internalversion printPod). */
export const podColumns: readonly Column[] = [
  nameColumn,
  column('Ready', (object) => {
    const statuses = asPod(object).status?.containerStatuses ?? []
    const restartable = (asPod(object).spec?.initContainers ?? []).filter(isSidecar).length
    const sidecars = asPod(object).status?.initContainerStatuses ?? []
    const ready =
      statuses.filter((status) => status.ready && status.state?.running).length +
      sidecars.filter((status) => isSidecarName(asPod(object), status.name) && status.ready).length
    return `${ready}/${(asPod(object).spec?.containers.length ?? 0) + restartable}`
  }),
  column('Status', (object) => podReason(asPod(object))),
  column('Restarts', (object, now) => restarts(asPod(object), now)),
  ageColumn,
  wide('IP', (object) => asPod(object).status?.podIP || '<none>'),
  wide('Node', (object) => asPod(object).spec?.nodeName || '<none>'),
  wide('Nominated Node', (object) => asPod(object).status?.nominatedNodeName || '<none>'),
  wide('Readiness Gates', (object) => {
    const gates = asPod(object).spec?.readinessGates ?? []
    if (gates.length === 0) return '<none>'
    const conditions = asPod(object).status?.conditions ?? []
    const met = gates.filter((gate) =>
      conditions.some((condition) => condition.type === gate.conditionType && condition.status === 'True'),
    )
    return `${met.length}/${gates.length}`
  }),
]

const isSidecar = (container: { restartPolicy?: string }) => container.restartPolicy === 'Always'
const isSidecarName = (pod: V1Pod, name: string) =>
  (pod.spec?.initContainers ?? []).some((container) => container.name === name && isSidecar(container))

function restarts(pod: V1Pod, now: number): string {
  const all = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])]
  const total = all.reduce((sum, status) => sum + status.restartCount, 0)
  const ends = all
    .map((status) => status.lastState?.terminated?.finishedAt)
    .filter((end) => end !== undefined)
  const last = ends.map(String).sort().at(-1)
  return total > 0 && last ? `${total} (${age(last, now)} ago)` : String(total)
}

/** The STATUS column: the phase, or the most telling reason of a container. */
export function podReason(pod: V1Pod): string {
  const status = pod.status ?? {}
  let reason = status.reason || status.phase || 'Unknown'
  if ((status.conditions ?? []).some((c) => c.type === 'PodScheduled' && c.reason === 'SchedulingGated')) {
    reason = 'SchedulingGated'
  }
  const initializing = initReason(pod)
  if (initializing) reason = initializing
  else {
    let running = false
    for (const container of [...(status.containerStatuses ?? [])].reverse()) {
      const told = containerReason(container)
      if (told) reason = told
      else if (container.ready && container.state?.running) running = true
    }
    if (reason === 'Completed' && running) {
      const ready = (status.conditions ?? []).some((c) => c.type === 'Ready' && c.status === 'True')
      reason = ready ? 'Running' : 'NotReady'
    }
  }
  const { deletionTimestamp } = pod.metadata ?? {}
  if (deletionTimestamp && status.reason === 'NodeLost') return 'Unknown'
  if (deletionTimestamp && status.phase !== 'Succeeded' && status.phase !== 'Failed') return 'Terminating'
  return reason
}

function containerReason({ state }: V1ContainerStatus): string | undefined {
  if (state?.waiting?.reason) return state.waiting.reason
  const ended = state?.terminated
  if (!ended) return undefined
  if (ended.reason) return ended.reason
  return ended.signal ? `Signal:${ended.signal}` : `ExitCode:${ended.exitCode}`
}

function initReason(pod: V1Pod): string | undefined {
  const statuses = pod.status?.initContainerStatuses ?? []
  for (const [index, status] of statuses.entries()) {
    const { state } = status
    if (state?.terminated?.exitCode === 0) continue
    if (isSidecarName(pod, status.name) && status.started) continue
    if (state?.terminated) return `Init:${containerReason(status)}`
    if (state?.waiting?.reason && state.waiting.reason !== 'PodInitializing')
      return `Init:${state.waiting.reason}`
    return `Init:${index}/${pod.spec?.initContainers?.length ?? statuses.length}`
  }
  return undefined
}
