import type { Clock } from '../../lib/clock.ts'
import type { KubeObject, ResourceStore } from '../store/types.ts'

/** How long an Event is kept, as `--event-ttl` of a real API server. */
const TTL_MS = 60 * 60 * 1000
const SWEEP_MS = 60_000

/** Forgets old Events, so that a sandbox that runs for days does not grow. */
export function startEventSweep(options: { store: ResourceStore; clock: Clock }): () => void {
  const { store, clock } = options
  const sweep = () => {
    const oldest = clock.now() - TTL_MS
    for (const { metadata, ...event } of store.list<KubeObject>('events').items) {
      const seen = Date.parse(String(event['lastTimestamp'] ?? metadata.creationTimestamp))
      if (seen < oldest) store.delete('events', { namespace: metadata.namespace, name: metadata.name })
    }
  }
  const timer = setInterval(sweep, SWEEP_MS)
  timer.unref()
  return () => clearInterval(timer)
}
