import type { Clock } from '../../lib/clock.ts'

/** Faults that the sandbox can be told to make, to see how its clients bear them. Rates are between 0 and 1. */
export interface FaultOptions {
  /** Added before each answer, in milliseconds. */
  latencyMs?: number
  /** Connections cut without an answer. */
  resetRate?: number
  /** Answered with 500. */
  errorRate?: number
  /** Watches that resume are answered 410. */
  goneRate?: number
}

/** What befalls one request. */
export type Fault = 'none' | 'reset' | 'error' | 'gone'

/** Draws the fault of a request, after the latency. */
export function createFaults(
  options: FaultOptions,
  clock: Clock,
  random: () => number = Math.random,
): (watch: boolean) => Promise<Fault> {
  const { latencyMs = 0, resetRate = 0, errorRate = 0, goneRate = 0 } = options
  return async (watch) => {
    if (latencyMs > 0) await clock.sleep(latencyMs)
    if (random() < resetRate) return 'reset'
    if (random() < errorRate) return 'error'
    return watch && random() < goneRate ? 'gone' : 'none'
  }
}
