import { setTimeout as delay } from 'node:timers/promises'
import type { V1Pod } from '@kubernetes/client-node'
import type { KubeClient, Query } from '../../src/kube/client/index.ts'
import { watchOnce } from '../../src/kube/watch/index.ts'
import { NODE, type Stage } from './stage.ts'

/** Both sides' view of the pods, each change with the time it was seen. */
export interface Watches {
  /** Where each carried pod lies in the data plane. */
  carried: Map<string, V1Pod>
  /** `pod/restartCount` → when it was seen there and here. */
  seen: { direct: Map<string, number>; user: Map<string, number> }
  close(): Promise<void>
}

const LAST_MS = 30_000

const countOf = (pod: V1Pod) => pod.status?.containerStatuses?.[0]?.restartCount

/** Opens a watch on each side. The two are open for the whole run; @throws nothing: what ends early is in `close`. */
export function openWatches({ user, dataPlane }: Stage): Watches {
  const stop = new AbortController()
  const carried = new Map<string, V1Pod>()
  const seen = { direct: new Map<string, number>(), user: new Map<string, number>() }
  async function follow(client: KubeClient, query: Query, times: Map<string, number>, direct: boolean) {
    try {
      const path = ['api', 'v1', 'pods']
      for await (const { object } of watchOnce<V1Pod>(client, { path, query, signal: stop.signal })) {
        const name = object.metadata?.name ?? ''
        if (direct) carried.set(name, object)
        const key = `${name}/${countOf(object)}`
        if (!times.has(key)) times.set(key, performance.now())
      }
      if (!stop.signal.aborted) throw new Error('a watch ended')
    } catch (error) {
      if (!stop.signal.aborted) throw error
    }
  }
  const watching = Promise.all([
    follow(dataPlane, { labelSelector: 'isthmus.dev/node' }, seen.direct, true),
    follow(user, { fieldSelector: `spec.nodeName=${NODE}` }, seen.user, false),
  ])
  watching.catch(() => {}) // told by close()
  return {
    carried,
    seen,
    async close() {
      stop.abort()
      await watching
    },
  }
}

/**
 * Changes the status of one carried pod after the other in the data plane, `rate` per second, open loop, and gives
 * how much later than the direct watch the user's API server told each change, in milliseconds.
 */
export async function changeStatuses(
  { dataPlane }: Stage,
  watches: Watches,
  options: { rate: number; seconds: number; from: number },
): Promise<{ added: number[]; overtaken: number; lost: number }> {
  const { rate, seconds, from } = options
  const pods = [...watches.carried.values()]
  const total = rate * seconds
  const writes: Promise<string>[] = []
  const begun = performance.now()
  for (let index = 0; index < total; index++) {
    const pod = pods[index % pods.length]
    const { name = '', namespace = '' } = pod?.metadata ?? {}
    const restartCount = from + Math.floor(index / pods.length)
    const waiting = { reason: 'CrashLoopBackOff' }
    const status = { name: 'main', restartCount, ready: false, image: '', imageID: '', state: { waiting } }
    writes.push(
      dataPlane
        .json({
          method: 'PATCH',
          path: ['api', 'v1', 'namespaces', namespace, 'pods', name, 'status'],
          headers: { 'content-type': 'application/merge-patch+json' },
          body: { status: { containerStatuses: [status] } },
        })
        .then(() => `${name}/${restartCount}`),
    )
    const ahead = begun + ((index + 1) * 1000) / rate - performance.now()
    if (ahead > 0) await delay(ahead)
  }
  const keys = await Promise.all(writes)
  const isMissing = (key: string) => !watches.seen.user.has(key) || !watches.seen.direct.has(key)
  // The last of each pod has to come; one before it may be overtaken, since the agent writes what is, not what was.
  const last = keys.slice(-Math.min(pods.length, keys.length))
  for (let waited = 0; waited < LAST_MS && last.some(isMissing); waited += 100) await delay(100)
  const whole = keys.filter((key) => !isMissing(key))
  const at = (times: Map<string, number>, key: string) => times.get(key) ?? Number.NaN
  return {
    added: whole.map((key) => at(watches.seen.user, key) - at(watches.seen.direct, key)),
    overtaken: keys.length - whole.length - last.filter(isMissing).length,
    lost: last.filter(isMissing).length,
  }
}
