import type { Clock } from '../../src/lib/clock.ts'

/**
 * A clock that runs `factor` times as fast as the machine's, for tests that wait for what takes minutes. They must
 * wait for conditions: the work in between takes as long as ever.
 */
export function createFastClock(factor: number): Clock & { jump(ms: number): void } {
  const startedMs = performance.now()
  const base = Date.now()
  let jumped = 0
  const elapsed = () => (performance.now() - startedMs) * factor
  return {
    now: () => base + elapsed() + jumped,
    elapsed,
    /** Sets the wall clock forward or back; what is measured goes on. */
    jump(ms) {
      jumped += ms
    },
    sleep: (ms, signal, options) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) {
          reject(signal.reason)
          return
        }
        const leave = () => {
          clearTimeout(timer)
          reject(signal?.reason)
        }
        const timer = setTimeout(() => {
          signal?.removeEventListener('abort', leave)
          resolve()
        }, ms / factor)
        if (options?.ref === false) timer.unref()
        signal?.addEventListener('abort', leave, { once: true })
      }),
  }
}
