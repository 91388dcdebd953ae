import { subjectOf } from '../../events.ts'
import { isActive, isRunning } from '../container/record.ts'
import type { Pod } from '../types.ts'
import type { RuntimeContext } from './context.ts'
import type { Part, Parts } from './records.ts'
import { backoffMs, shouldRestart } from './restart.ts'
import { fieldPathOf, type RunInput, runContainer, stopOne } from './run-container.ts'

export interface ReconcileInput {
  context: RuntimeContext
  pod: Pod
  parts: Parts
  podDir: string
  initialized: boolean
  /** How often the pod has been told of changes from outside. */
  pokes: number
  onChange(): void
}

export interface ReconcileResult {
  initialized: boolean
  /** When to look again without being told, ms since the epoch. */
  nextAt: number
}

/** Starts a container that should run and does not, unless its back-off says not yet. Returns when that will be. */
function ensure(input: ReconcileInput, part: Part): number {
  const { context, pod } = input
  const { record, spec } = part
  const run: RunInput = { ...input, part }
  const never = Number.POSITIVE_INFINITY
  if (record.starting) return never
  if (isRunning(record)) {
    const { instance } = record
    if (instance!.spec.image !== spec.image && !instance!.stop) {
      stopOne(run, instance!, `Container ${spec.name} definition changed, will be restarted`)
    }
    return never
  }
  const terminated = record.instance?.terminated
  if (terminated && !shouldRestart(pod, record, terminated.exitCode)) return never
  if (record.refusedImage !== undefined && record.refusedImage === (spec.image ?? '')) return never

  const now = context.clock.now()
  const configMissing = record.waiting !== undefined && record.waiting.reason !== 'CrashLoopBackOff'
  if (configMissing) {
    // what was missing may have come with whatever has been told since
    if (now < record.retryAt && record.triedPoke === input.pokes) return record.retryAt
  } else if (now < record.retryAt) {
    const { name, namespace, uid } = pod.metadata
    const delay = backoffMs(record, context)
    const message = `back-off ${delay / 1000}s restarting failed container=${spec.name} pod=${name}_${namespace}(${uid})`
    if (record.waiting?.message !== message) {
      record.waiting = { reason: 'CrashLoopBackOff', message }
      const text = `Back-off restarting failed container ${spec.name} in pod ${name}_${namespace}(${uid})`
      context.events.record(subjectOf(pod, fieldPathOf(part)), 'Warning', 'BackOff', text)
    }
    return record.retryAt
  }
  record.starting = runContainer(run).finally(() => {
    record.starting = undefined
    input.onChange()
  })
  return record.retryAt > now ? record.retryAt : never
}

/** One look at a pod whose volumes are there: starts what is due, in order. Never waits. */
export function reconcile(input: ReconcileInput): ReconcileResult {
  const { parts } = input
  let nextAt = Number.POSITIVE_INFINITY
  const look = (part: Part) => {
    nextAt = Math.min(nextAt, ensure(input, part))
  }
  for (const part of parts.ephemeral) {
    if (part.record.attempts === 0) look(part)
  }
  for (const part of parts.init) {
    const { record } = part
    if (record.kind === 'sidecar') {
      look(part)
      if (!input.initialized && !record.instance?.started) return { initialized: false, nextAt }
      continue
    }
    if (input.initialized || record.instance?.terminated?.exitCode === 0) continue
    look(part)
    return { initialized: false, nextAt }
  }
  for (const part of parts.app) look(part)
  return { initialized: true, nextAt }
}

/** Whether all that counts has ended for good: what else runs is to be stopped. */
export function hasFinished(pod: Pod, parts: Parts, initialized: boolean): boolean {
  const done = ({ record }: Part) => {
    const terminated = record.instance?.terminated
    return terminated !== undefined && !isActive(record) && !shouldRestart(pod, record, terminated.exitCode)
  }
  if (initialized) return parts.app.every(done)
  return parts.init.some((part) => part.record.kind === 'init' && done(part) && failed(part))
}

function failed({ record }: Part): boolean {
  return record.instance?.terminated?.exitCode !== 0
}
