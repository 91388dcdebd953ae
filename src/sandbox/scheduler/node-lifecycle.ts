import type { Clock } from '../../lib/clock.ts'
import type { Logger } from '../../lib/logger.ts'
import { isIsthmusError } from '../../protocol/errors/index.ts'
import { kubeTime } from '../events.ts'
import { createWake } from '../runtime/wake.ts'
import type { ResourceStore } from '../store/types.ts'
import { createEviction, isEvicting } from './eviction.ts'
import { createNodeHealth } from './node-health.ts'
import { wantedTaints } from './node-taints.ts'
import { createPodsByNode } from './pods-by-node.ts'
import type { Node, Pod } from './types.ts'

export interface NodeLifecycleOptions {
  store: ResourceStore
  clock: Clock
  logger: Logger
  /** A node is Unknown when nothing was heard of it for so long; 40 s by default (Kubernetes 1.36: 50 s). */
  graceMs?: number
  /** Pods of a node that is gone are deleted after this; 40 s by default, as with PodGC. */
  orphanMs?: number
}

/** Rounds are at least this far apart. */
const GATHER_MS = 20

/**
 * What the node lifecycle, taint eviction and pod garbage controllers do: silent nodes become Unknown, conditions
 * become taints, NoExecute taints evict. Level-triggered by the store's changes and by time. Returns the function that
 * ends it.
 */
export function startNodeLifecycle(options: NodeLifecycleOptions): () => void {
  const { store, clock, logger, graceMs = 40_000, orphanMs = 40_000 } = options
  const health = createNodeHealth(store, clock, graceMs)
  const podsByNode = createPodsByNode()
  const eviction = createEviction(store, clock, orphanMs, podsByNode)
  const wake = createWake(clock)
  const ended = new AbortController()

  const taint = () => {
    for (const node of store.list<Node>('nodes').items) {
      const taints = wantedTaints(node, kubeTime(clock.now()))
      if (!taints) continue
      store.mutate<Node>('nodes', { name: node.metadata.name }, (next) => {
        next.spec = { ...next.spec, taints }
      })
    }
  }

  const round = (): number => {
    const next = health.check()
    taint()
    return Math.min(next, eviction.check())
  }

  const run = async () => {
    while (!ended.signal.aborted) {
      let next = clock.now() + 1_000
      try {
        next = round()
      } catch (error) {
        // an object that went between list and write: the next round does without it
        if (!isIsthmusError(error)) throw error
      }
      await wake.wait(next - clock.now(), ended.signal)
      // many changes at once are one round
      if (!ended.signal.aborted) await clock.sleep(GATHER_MS)
    }
  }

  const watches = [
    store.watch<Pod>('pods', {
      onEvent: (event) => {
        const name = podsByNode.onPod(event)
        const node = name ? store.get<Node>('nodes', { name }) : undefined
        // the many changes of pods on healthy nodes are nobody's business here
        if (name && (!node || isEvicting(node))) wake.ring()
      },
    }),
    ...['nodes', 'leases.coordination.k8s.io'].map((resource) =>
      store.watch(resource, { onEvent: () => wake.ring() }),
    ),
  ]
  run().catch((error: unknown) => logger.error({ err: error }, 'the node controllers have ended'))
  return () => {
    ended.abort()
    for (const end of watches) end()
  }
}
