import type { V1Container } from '@kubernetes/client-node'
import { subjectOf } from '../../events.ts'
import { runHook } from '../container/hooks.ts'
import type { Instance } from '../container/record.ts'
import { prepareRun, startInstance } from '../container/start.ts'
import { stopInstance } from '../container/stop.ts'
import { ContainerConfigError } from '../env/config-error.ts'
import { attendProbes } from '../probes/attend.ts'
import type { Pod } from '../types.ts'
import type { RuntimeContext } from './context.ts'
import type { Part } from './records.ts'
import { noteExit } from './restart.ts'

/** A container whose references are missing is tried again after this, or as soon as they come. */
const CONFIG_RETRY_MS = 10_000

export interface RunInput {
  context: RuntimeContext
  pod: Pod
  part: Part
  podDir: string
  /** How often the pod has been told of changes from outside. */
  pokes: number
  /** Something changed: look at the pod again. */
  onChange(): void
}

/** Where in the pod an Event is about. */
export function fieldPathOf({ record }: Part): string {
  const list = {
    init: 'initContainers',
    sidecar: 'initContainers',
    app: 'containers',
    ephemeral: 'ephemeralContainers',
  }
  return `spec.${list[record.kind]}{${record.name}}`
}

export function stopOne(input: RunInput, instance: Instance, message: string, seconds?: number): void {
  const { context, pod, part } = input
  const subject = subjectOf(pod, fieldPathOf(part))
  const grace = seconds ?? pod.spec.terminationGracePeriodSeconds ?? 30
  if (!instance.stop) context.events.record(subject, 'Normal', 'Killing', message)
  stopInstance(instance, {
    clock: context.clock,
    deadline: context.clock.now() + grace * 1000,
    podIP: context.podIP,
    onHookFailed: (text) => context.events.record(subject, 'Warning', 'FailedPreStopHook', text),
  })
}

async function afterStart(input: RunInput, instance: Instance): Promise<void> {
  const { context, part } = input
  const subject = subjectOf(input.pod, fieldPathOf(part))
  const hook = (instance.spec as V1Container).lifecycle?.postStart
  if (hook) {
    try {
      await runHook(hook, instance, context.podIP, context.clock)
    } catch (error) {
      if (instance.terminated) return
      context.events.record(subject, 'Warning', 'FailedPostStartHook', (error as Error).message)
      stopOne(input, instance, 'FailedPostStartHook')
      return
    }
  }
  if (instance.probes.signal.aborted) return
  attendProbes({
    instance,
    clock: context.clock,
    podIP: context.podIP,
    onChange: input.onChange,
    onUnhealthy: (kind, output) =>
      context.events.record(subject, 'Warning', 'Unhealthy', `${kind} probe failed: ${output}`),
    onDead: (kind, probe) => {
      const message = `Container ${part.spec.name} failed ${kind.toLowerCase()} probe, will be restarted`
      stopOne(input, instance, message, probe.terminationGracePeriodSeconds)
    },
  })
  input.onChange()
}

/** Starts a container that is due. Afterwards it runs, has ended, or says in `waiting` why it does not. Never rejects. */
export async function runContainer(input: RunInput): Promise<void> {
  const { context, pod, part } = input
  const { record, spec } = part
  const subject = subjectOf(pod, fieldPathOf(part))
  const start = { ...input, container: spec, record }
  const onExit = () => {
    const { startedMs } = record.instance!
    const now = context.clock.now()
    noteExit(record, now - startedMs, now, context)
    input.onChange()
  }
  try {
    const run = await prepareRun({ ...start, onExit })
    const present = `Container image "${spec.image ?? ''}" already present on machine`
    context.events.record(subject, 'Normal', 'Pulled', present)
    context.events.record(subject, 'Normal', 'Created', 'Container created')
    record.waiting = undefined
    record.refusedImage = undefined
    const failed = await startInstance({ ...start, onExit }, run)
    if (failed) {
      context.events.record(subject, 'Warning', 'Failed', `Error: ${failed.message}`)
      noteExit(record, 0, context.clock.now(), context)
      return
    }
    context.events.record(subject, 'Normal', 'Started', 'Container started')
    // not waited for: a hook that hangs must not hold up the end of the pod
    const instance = record.instance!
    afterStart(input, instance).catch((err: unknown) =>
      context.logger.error({ pod: pod.metadata.name, err }, 'a container could not be attended'),
    )
  } catch (error) {
    const known = error instanceof ContainerConfigError
    if (!known)
      context.logger.error({ pod: pod.metadata.name, err: error }, 'a container could not be started')
    const { message } = error as Error
    record.waiting = { reason: known ? error.reason : 'CreateContainerError', message }
    if (record.waiting.reason === 'ErrImagePull') record.refusedImage = spec.image ?? ''
    record.retryAt = context.clock.now() + CONFIG_RETRY_MS
    record.triedPoke = input.pokes
    context.events.record(subject, 'Warning', 'Failed', `Error: ${message}`)
  }
}
