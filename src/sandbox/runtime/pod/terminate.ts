import type { Clock } from '../../../lib/clock.ts'
import { type ContainerRecord, isRunning } from '../container/record.ts'
import { type StopHandle, stopInstance } from '../container/stop.ts'
import type { Parts } from './records.ts'

export interface TerminateInput {
  parts: Parts
  clock: Clock
  podIP: string
  /** When what still runs is killed, ms since the epoch. */
  deadline: number
  onStopping(record: ContainerRecord): void
  onHookFailed(record: ContainerRecord, message: string): void
}

/**
 * Stops everything of a pod: containers together, then sidecars in reverse order, each told to end only after those
 * that it may serve (KEP-753). Resolves when no process is left.
 */
export async function terminateAll(input: TerminateInput): Promise<void> {
  const { parts } = input
  // a start that is under way can not be taken back: it is waited for, and then stopped
  await Promise.all(parts.all.map(({ record }) => record.starting))
  const stop = (record: ContainerRecord, before?: Promise<unknown>): StopHandle | undefined => {
    if (!isRunning(record)) return undefined
    if (!record.instance!.stop) input.onStopping(record)
    return stopInstance(record.instance!, {
      clock: input.clock,
      deadline: input.deadline,
      podIP: input.podIP,
      onHookFailed: (message) => input.onHookFailed(record, message),
      before,
    })
  }
  const sidecars = parts.init.filter(({ record }) => record.kind === 'sidecar')
  const others = parts.all.filter(({ record }) => record.kind !== 'sidecar')
  const first = Promise.all(others.map(({ record }) => stop(record)?.done))
  let before: Promise<unknown> = first
  const last = sidecars.reverse().map(({ record }) => {
    const done = stop(record, before)?.done
    before = Promise.all([before, done])
    return done
  })
  await Promise.all([first, ...last])
}

/** Brings the kill of everything that is being stopped forward. */
export function shortenAll(parts: Parts, deadline: number): void {
  for (const { record } of parts.all) record.instance?.stop?.shorten(deadline)
}
