import type { V1Container } from '@kubernetes/client-node'
import { isRunning } from '../container/record.ts'
import type { ContainerState, ContainerStatus, TerminatedState } from '../types.ts'
import type { Part } from './records.ts'

export interface StatusContext {
  /** What a container that has not been started says it waits for. */
  creating: 'ContainerCreating' | 'PodInitializing'
  /** Nothing runs and nothing will: who never ran has ended too. */
  over: boolean
}

/** A kubelet's answer for an app container of a finished pod of which it never saw a run. */
const lost: TerminatedState = {
  exitCode: 137,
  reason: 'ContainerStatusUnknown',
  message: 'The container could not be located when the pod was terminated',
  startedAt: null as unknown as string,
  finishedAt: null as unknown as string,
  containerID: '',
}

function states({ record }: Part, context: StatusContext): Pick<ContainerStatus, 'state' | 'lastState'> {
  const { instance, previous, waiting } = record
  const last = (state: TerminatedState | undefined): ContainerState => (state ? { terminated: state } : {})
  if (!instance) {
    if (context.over && record.kind === 'app') return { state: { terminated: lost }, lastState: {} }
    return { state: { waiting: waiting ?? { reason: context.creating } }, lastState: {} }
  }
  if (!instance.terminated) {
    return { state: { running: { startedAt: instance.startedAt } }, lastState: last(previous) }
  }
  if (waiting && !context.over) return { state: { waiting }, lastState: last(instance.terminated) }
  return { state: last(instance.terminated), lastState: last(previous) }
}

/** core/v1 ContainerStatus as a kubelet writes it. Resources are always as the spec wants them: nothing is limited. */
export function containerStatus(part: Part, context: StatusContext): ContainerStatus {
  const { spec, record } = part
  const { instance } = record
  const running = isRunning(record)
  const started = running && (record.kind === 'init' || record.kind === 'ephemeral' || instance!.started)
  const ready = record.kind === 'init' ? instance?.terminated?.exitCode === 0 : started && instance!.ready
  const { resources } = spec as V1Container
  return {
    name: spec.name,
    ...states(part, context),
    ready: record.kind === 'ephemeral' ? false : ready,
    restartCount: Math.max(0, record.attempts - 1),
    image: spec.image ?? '',
    imageID: instance ? `sandbox-image://${spec.image ?? ''}` : '',
    ...(instance ? { containerID: instance.id } : {}),
    ...(record.kind === 'ephemeral' ? {} : { started }),
    ...(resources?.requests ? { allocatedResources: resources.requests } : {}),
    ...(resources && record.kind !== 'ephemeral' ? { resources } : {}),
  }
}
