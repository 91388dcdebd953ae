import type { V1Probe } from '@kubernetes/client-node'
import type { Clock } from '../../../lib/clock.ts'
import type { CheckResult } from './http.ts'

export interface ProbeLoop {
  probe: V1Probe
  clock: Clock
  /** Ends the loop. */
  signal: AbortSignal
  check(): Promise<CheckResult>
  /** While true the probe rests: liveness and readiness wait for the startup probe. */
  resting(): boolean
  /** Each failure, for an Event. */
  onFailure(output: string): void
  /** The verdict: after `successThreshold` successes or `failureThreshold` failures in a row. */
  onVerdict(ok: boolean): 'go on' | 'end'
}

/** How often a resting probe looks whether it may begin, in milliseconds. */
const REST_MS = 50

/** Probes with core/v1's defaults: every 10 s, 3 failures, 1 success. Resolves when it has ended; never rejects. */
export async function runProbe(loop: ProbeLoop): Promise<void> {
  const { probe, clock, signal } = loop
  const failureThreshold = probe.failureThreshold ?? 3
  const successThreshold = probe.successThreshold ?? 1
  let successes = 0
  let failures = 0
  try {
    await clock.sleep((probe.initialDelaySeconds ?? 0) * 1000, signal)
    while (!signal.aborted) {
      if (loop.resting()) {
        await clock.sleep(REST_MS, signal)
        continue
      }
      const { ok, output } = await loop.check()
      if (signal.aborted) return
      successes = ok ? successes + 1 : 0
      failures = ok ? 0 : failures + 1
      if (!ok) loop.onFailure(output)
      if ((successes === successThreshold || failures === failureThreshold) && loop.onVerdict(ok) === 'end')
        return
      await clock.sleep((probe.periodSeconds ?? 10) * 1000, signal)
    }
  } catch (error) {
    // the sleep that the end of the container broke off
    if (!signal.aborted) throw error
  }
}
