import { setTimeout as delay } from 'node:timers/promises'
import { type KubeObject, watchOnce } from '../../src/kube/watch/index.ts'
import { eventually } from '../../test/support/eventually.ts'
import { RUNNING } from './operations.ts'
import { type Arm, clientOf, podsOf } from './target.ts'

const ANNOTATION = 'example.com/bench'

const LAST_EVENT_MS = 30_000

/** Milliseconds, one per event that came by both. */
export interface WatchDelays {
  /** From the write to the event, directly. */
  direct: number[]
  /** How much later it came by the gateway. */
  added: number[]
}

/**
 * How much later each event arrives by the gateway than directly: both watches are open at once and see the same
 * changes, made directly, `rate` per second. The gateway's resourceVersions are the data plane's, so that they tell
 * the events apart; an annotation that was set there is not shown to the tenant.
 * @throws when a watch ends early or an event does not come
 */
export async function watchDelays(
  direct: Arm,
  gateway: Arm,
  rate: number,
  seconds: number,
): Promise<WatchDelays> {
  const stop = new AbortController()
  const written = new Map<string, number>()
  const seen = { direct: new Map<string, number>(), gateway: new Map<string, number>() }
  // A watch without a resourceVersion begins with the pod as it is: changes from then on come one by one.
  const begun = new Set<string>()
  let failure: unknown
  const follow = async (arm: Arm) => {
    const client = clientOf(arm)
    try {
      const query = { fieldSelector: `metadata.name=${RUNNING}` }
      for await (const { object } of watchOnce(client, { path: podsOf(arm), query, signal: stop.signal })) {
        begun.add(arm.name)
        seen[arm.name].set(object.metadata?.resourceVersion ?? '', performance.now())
      }
      if (!stop.signal.aborted) throw new Error('the watch ended')
    } catch (error) {
      if (!stop.signal.aborted) failure ??= new Error(`watch, ${arm.name}`, { cause: error })
    } finally {
      await client.close()
    }
  }
  const watching = [direct, gateway].map(follow)
  const writer = clientOf(direct)
  const holds = (fits: boolean) => {
    if (failure !== undefined) throw failure
    return fits
  }
  try {
    await eventually('both watches have begun', () => holds(begun.size === 2), LAST_EVENT_MS)
    for (let index = 0; index < rate * seconds; index++) {
      const sent = performance.now()
      const { metadata } = await writer.json<KubeObject>({
        method: 'PATCH',
        path: [...podsOf(direct), RUNNING],
        headers: { 'content-type': 'application/merge-patch+json' },
        body: { metadata: { annotations: { [ANNOTATION]: `${process.pid}-${index}` } } },
      })
      written.set(metadata?.resourceVersion ?? '', sent)
      await delay(1000 / rate)
    }
    await eventually(
      'all events have come',
      () => {
        const missing = (arm: 'direct' | 'gateway') =>
          [...written.keys()].filter((version) => !seen[arm].has(version)).length
        if (holds(missing('direct') + missing('gateway') === 0)) return true
        throw new Error(`missing: ${missing('direct')} directly, ${missing('gateway')} by the gateway`)
      },
      LAST_EVENT_MS,
    )
  } finally {
    stop.abort()
    await Promise.all([...watching, writer.close()])
  }
  const at = (times: Map<string, number>, version: string) => times.get(version) ?? Number.NaN
  const versions = [...written.keys()]
  return {
    direct: versions.map((version) => at(seen.direct, version) - at(written, version)),
    added: versions.map((version) => at(seen.gateway, version) - at(seen.direct, version)),
  }
}
