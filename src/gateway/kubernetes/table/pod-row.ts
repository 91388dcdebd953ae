import type { Container, ContainerState, ContainerStatus, Pod } from '../objects.ts'
import { since } from './age.ts'

/** Counts and the status text while a pod's containers are gone through. */
interface Tally {
  reason: string
  ready: number
  restarts: number
  lastRestart: string | undefined
}

/**
 * The cells of a pod as `kubectl get pods` shows them, after the rules of Kubernetes' own printer
 * (pkg/printers/internalversion/printers.go, printPod). They are made from the tenant's view, so that what is
 * hidden there is not counted here either.
 */
export function podCells(pod: Pod, nowMs: number): (string | number)[] {
  const status = pod.status ?? {}
  const sidecars = new Set((pod.spec.initContainers ?? []).filter(isSidecar).map(({ name }) => name))
  const start: Tally = { reason: startReason(pod), ready: 0, restarts: 0, lastRestart: undefined }
  const init = tallyInit(pod, sidecars, start)
  const initialized = (status.conditions ?? []).some(
    (one) => one.type === 'Initialized' && one.status === 'True',
  )
  const tally =
    init.initializing && !initialized
      ? init.tally
      : tallyContainers(pod, { ...init.tally, ...init.sidecarRestarts })
  const restarts =
    tally.restarts > 0 && tally.lastRestart !== undefined
      ? `${tally.restarts} (${since(tally.lastRestart, nowMs)} ago)`
      : String(tally.restarts)
  return [
    pod.metadata.name ?? '',
    `${tally.ready}/${pod.spec.containers.length + sidecars.size}`,
    endReason(pod, tally.reason),
    restarts,
    since(pod.metadata.creationTimestamp, nowMs),
    status.podIPs?.[0]?.ip ?? '<none>',
    pod.spec.nodeName ?? '<none>',
    '<none>',
    readinessGates(pod),
  ]
}

function isSidecar(container: Container): boolean {
  return container.restartPolicy === 'Always'
}

function startReason(pod: Pod): string {
  const gated = (pod.status?.conditions ?? []).some(
    (one) => one.type === 'PodScheduled' && one.reason === 'SchedulingGated',
  )
  if (gated) return 'SchedulingGated'
  return pod.status?.reason || pod.status?.phase || 'Unknown'
}

function endReason(pod: Pod, reason: string): string {
  if (pod.metadata.deletionTimestamp === undefined) return reason
  if (pod.status?.reason === 'NodeLost') return 'Unknown'
  const ended = pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed'
  return ended ? reason : 'Terminating'
}

function tallyInit(pod: Pod, sidecars: ReadonlySet<string>, start: Tally) {
  const tally = { ...start }
  const sidecarRestarts: Pick<Tally, 'restarts' | 'lastRestart'> = { restarts: 0, lastRestart: undefined }
  const total = pod.spec.initContainers?.length ?? 0
  for (const [index, container] of (pod.status?.initContainerStatuses ?? []).entries()) {
    const sidecar = sidecars.has(container.name)
    countRestarts(tally, container)
    if (sidecar) countRestarts(sidecarRestarts, container)
    if (container.state?.terminated?.exitCode === 0) continue
    if (sidecar && container.started === true) {
      if (container.ready === true) tally.ready++
      continue
    }
    tally.reason = initReason(container.state, index, total)
    return { tally, sidecarRestarts, initializing: true }
  }
  return { tally, sidecarRestarts, initializing: false }
}

function initReason(state: ContainerState | undefined, index: number, total: number): string {
  if (state?.terminated) return `Init:${endedAs(state.terminated)}`
  const waiting = state?.waiting?.reason
  return waiting && waiting !== 'PodInitializing' ? `Init:${waiting}` : `Init:${index}/${total}`
}

function tallyContainers(pod: Pod, start: Tally): Tally {
  const tally = { ...start }
  let running = false
  let failed = ''
  for (const container of [...(pod.status?.containerStatuses ?? [])].reverse()) {
    countRestarts(tally, container)
    const state = container.state
    if (state?.waiting?.reason) tally.reason = state.waiting.reason
    else if (state?.terminated) {
      tally.reason = endedAs(state.terminated)
      if (state.terminated.exitCode !== 0) failed = tally.reason
    } else if (container.ready === true && state?.running) {
      running = true
      tally.ready++
    }
  }
  if (tally.reason === 'Completed') {
    const ready = (pod.status?.conditions ?? []).some((one) => one.type === 'Ready' && one.status === 'True')
    if (running && ready) tally.reason = 'Running'
    else if (failed !== '') tally.reason = failed
    else if (running) tally.reason = 'NotReady'
  }
  return tally
}

function endedAs(terminated: { reason?: string; signal?: number; exitCode: number }): string {
  if (terminated.reason) return terminated.reason
  return terminated.signal ? `Signal:${terminated.signal}` : `ExitCode:${terminated.exitCode}`
}

function countRestarts(tally: Pick<Tally, 'restarts' | 'lastRestart'>, container: ContainerStatus): void {
  tally.restarts += container.restartCount ?? 0
  const ended = container.lastState?.terminated?.finishedAt
  if (ended && (tally.lastRestart === undefined || ended > tally.lastRestart)) tally.lastRestart = ended
}

function readinessGates(pod: Pod): string {
  const gates = pod.spec.readinessGates ?? []
  if (gates.length === 0) return '<none>'
  const open = gates.filter((gate) =>
    (pod.status?.conditions ?? []).some((one) => one.type === gate.conditionType && one.status === 'True'),
  )
  return `${open.length}/${gates.length}`
}
