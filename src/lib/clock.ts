import { setTimeout as delay } from 'node:timers/promises'

/** Time as the code sees it; tests pass one that they move by hand. */
export interface Clock {
  /** Wall clock, milliseconds since the epoch. */
  now(): number
  /** Monotonic milliseconds, for measuring how long something took. */
  elapsed(): number
  /** Resolves after `ms`, or rejects with the signal's reason as soon as it is aborted. Never keeps the process alive by itself when `ref` is false. */
  sleep(ms: number, signal?: AbortSignal, options?: { ref?: boolean }): Promise<void>
}

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  async sleep(ms, signal, options) {
    try {
      await delay(ms, undefined, { signal, ref: options?.ref ?? true })
    } catch (error) {
      throw signal?.aborted ? signal.reason : error
    }
  },
}
