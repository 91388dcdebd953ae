/** Jittered, capped, exponential: equal jitter, so that a crowd of clients neither storms nor starves. */
export interface Backoff {
  /** The next wait in milliseconds: between half of and the whole of base × 2^n, n counted since `reset`. */
  next(): number
  reset(): void
}

/** @param random uniform in [0, 1) */
export function createBackoff(options: { baseMs: number; capMs: number; random: () => number }): Backoff {
  let step = 0
  return {
    next() {
      const whole = Math.min(options.capMs, options.baseMs * 2 ** step)
      step = Math.min(step + 1, 30)
      return whole * (0.5 + options.random() / 2)
    },
    reset() {
      step = 0
    },
  }
}
