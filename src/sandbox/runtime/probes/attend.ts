import type { V1Container, V1Probe } from '@kubernetes/client-node'
import type { Clock } from '../../../lib/clock.ts'
import type { Instance } from '../container/record.ts'
import { checkOnce } from './check.ts'
import { runProbe } from './run.ts'

export interface AttendOptions {
  instance: Instance
  clock: Clock
  podIP: string
  /** `started` or `ready` of the instance changed. */
  onChange(): void
  /** A probe failed once; `kind` is as an Event writes it: `Liveness`. */
  onUnhealthy(kind: string, output: string): void
  /** Startup or liveness failed for good: the container has to be restarted. */
  onDead(kind: string, probe: V1Probe): void
}

/**
 * Starts the probes of a container that runs: readiness and liveness wait for startup, all end with the instance.
 * Without a startup probe it is started at once, without a readiness probe ready once started.
 */
export function attendProbes(options: AttendOptions): void {
  const { instance, clock, podIP } = options
  const { startupProbe, readinessProbe, livenessProbe } = instance.spec as V1Container
  const { signal } = instance.probes
  instance.ready = !readinessProbe
  instance.started = !startupProbe

  const run = (kind: string, probe: V1Probe | undefined, onVerdict: (ok: boolean) => 'go on' | 'end') => {
    if (!probe) return
    void runProbe({
      probe,
      clock,
      signal,
      check: () => checkOnce(probe, instance, podIP),
      resting: () => kind !== 'Startup' && !instance.started,
      onFailure: (output) => options.onUnhealthy(kind, output),
      onVerdict,
    })
  }
  run('Startup', startupProbe, (ok) => {
    if (ok) {
      instance.started = true
      options.onChange()
    } else options.onDead('Startup', startupProbe!)
    return 'end'
  })
  run('Readiness', readinessProbe, (ok) => {
    if (instance.ready !== ok) {
      instance.ready = ok
      options.onChange()
    }
    return 'go on'
  })
  run('Liveness', livenessProbe, (ok) => {
    if (ok) return 'go on'
    options.onDead('Liveness', livenessProbe!)
    return 'end'
  })
}
