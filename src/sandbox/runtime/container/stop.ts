import type { V1Container } from '@kubernetes/client-node'
import type { Clock } from '../../../lib/clock.ts'
import { createWake } from '../wake.ts'
import { runHook } from './hooks.ts'
import type { Instance } from './record.ts'

/** A kubelet leaves at least this long between SIGTERM and SIGKILL where a preStop hook has used up the grace. */
const MINIMUM_MS = 2_000

/** A container that is being stopped. */
export interface StopHandle {
  /** Resolves when the process has ended. */
  readonly done: Promise<void>
  /** Brings the SIGKILL forward to `deadline` (ms since the epoch); never back. */
  shorten(deadline: number): void
}

export interface StopInput {
  clock: Clock
  /** When SIGKILL comes, ms since the epoch. */
  deadline: number
  podIP: string
  /** What a failed hook is told to. */
  onHookFailed(message: string): void
  /** Waited for between the preStop hook and SIGTERM: sidecars outlive the containers they serve. */
  before?: Promise<unknown>
}

/**
 * Stops a container as a kubelet does: preStop, SIGTERM to the process group, SIGKILL at the deadline.
 * Idempotent: a second call shortens the first.
 */
export function stopInstance(instance: Instance, input: StopInput): StopHandle {
  if (instance.stop) {
    instance.stop.shorten(input.deadline)
    return instance.stop
  }
  const { clock } = input
  const wake = createWake(clock)
  const never = new AbortController().signal
  let deadline = input.deadline
  let over = false
  const ended = instance.ended.then(() => {
    over = true
    wake.ring()
  })

  const until = async (work: Promise<unknown>) => {
    let done = false
    const finished = () => {
      done = true
      wake.ring()
    }
    work.then(finished, finished)
    while (!done && !over && clock.now() < deadline) await wake.wait(deadline - clock.now(), never)
  }
  const run = async () => {
    const hook = (instance.spec as V1Container).lifecycle?.preStop
    if (hook && clock.now() < deadline) {
      const failed = runHook(hook, instance, input.podIP, clock).catch((error: Error) =>
        input.onHookFailed(error.message),
      )
      await until(failed)
      deadline = Math.max(deadline, Math.min(clock.now() + MINIMUM_MS, input.deadline + MINIMUM_MS))
    }
    if (input.before) await until(input.before)
    if (clock.now() < deadline) {
      instance.process.kill('SIGTERM')
      while (!over && clock.now() < deadline) await wake.wait(deadline - clock.now(), never)
    }
    if (!over) instance.process.kill('SIGKILL')
    await ended
  }

  instance.stop = {
    done: run(),
    shorten(next) {
      deadline = Math.min(deadline, next)
      wake.ring()
    },
  }
  return instance.stop
}
