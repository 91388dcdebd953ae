import type { Clock } from '../../lib/clock.ts'

/** A bell for a loop: rung any number of times while the loop works, it wakes it once. */
export interface Wake {
  ring(): void
  /** Resolves when rung since the last wait ended, after `ms` (never by time when Infinity), or when `signal` aborts. */
  wait(ms: number, signal: AbortSignal): Promise<void>
}

export function createWake(clock: Clock): Wake {
  let rung = false
  let wake = () => {}
  return {
    ring() {
      rung = true
      wake()
    },
    async wait(ms, signal) {
      if (!rung && !signal.aborted) {
        const over = new AbortController()
        const onAbort = () => wake()
        await new Promise<void>((resolve) => {
          wake = resolve
          signal.addEventListener('abort', onAbort)
          // rejects only when it is no longer needed
          if (Number.isFinite(ms)) clock.sleep(Math.max(0, ms), over.signal).then(resolve, () => {})
        })
        signal.removeEventListener('abort', onAbort)
        over.abort()
      }
      rung = false
      wake = () => {}
    },
  }
}
