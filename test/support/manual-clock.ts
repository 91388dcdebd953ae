import type { Clock } from '../../src/lib/clock.ts'

/** A clock that stands still, whose sleeps end at once (moving it on by what was slept) and are written down. */
export interface ManualClock extends Clock {
  /** What was slept, in order, milliseconds. */
  slept: number[]
  /** Moves it by hand. */
  advance(ms: number): void
}

export function createManualClock(startMs = Date.parse('2026-01-01T00:00:00Z')): ManualClock {
  let time = 0
  const slept: number[] = []
  return {
    slept,
    now: () => startMs + time,
    elapsed: () => time,
    advance: (ms) => {
      time += ms
    },
    async sleep(ms, signal) {
      signal?.throwIfAborted()
      slept.push(ms)
      time += ms
      // A real turn of the event loop, so that a loop that only sleeps lets others work.
      await new Promise((resolve) => setImmediate(resolve))
      signal?.throwIfAborted()
    },
  }
}
