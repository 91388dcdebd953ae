import type { Clock } from '../../lib/clock.ts'
import type { Logger } from '../../lib/logger.ts'
import type { FollowedDirectory } from '../directory/index.ts'
import type { NamespaceRegistry } from '../tenants/index.ts'
import type { RunningUpstreams } from '../upstream/index.ts'
import type { QuotaLedger } from './index.ts'
import type { Drift, ReconciliationStore } from './reconciliation.ts'
import { watchCluster } from './watch-cluster.ts'

export interface ReconcilerOptions {
  store: ReconciliationStore
  ledger: QuotaLedger
  namespaces: NamespaceRegistry
  directory: FollowedDirectory
  upstreams: Pick<RunningUpstreams, 'client'>
  drift: (kind: Drift) => void
  /** Between two comparisons of ledger and data plane, in milliseconds. */
  compareMs: number
  clock: Clock
  logger: Logger
}

export interface Reconciler {
  /** Clusters that this replica looks after. */
  clusters(): string[]
  close(): Promise<void>
}

/** How often a replica asks for clusters that nobody looks after. */
const ELECT_MS = 3_000

interface Watched {
  revision: number | undefined
  abort: AbortController
  done: Promise<void>
}

/**
 * Looks after every data plane, one replica each (an advisory lock): the data planes are the truth, the ledger
 * follows them (design.md §4). Whoever loses its database connection stops; another replica takes over.
 */
export function startReconciler(options: ReconcilerOptions): Reconciler {
  const { store, directory, upstreams, clock, logger } = options
  const watched = new Map<string, Watched>()
  const closed = new AbortController()

  function stop(clusterId: string): Promise<void> {
    const entry = watched.get(clusterId)
    watched.delete(clusterId)
    entry?.abort.abort(new Error('stopped'))
    return entry?.done ?? Promise.resolve()
  }
  const stopAll = () => Promise.all([...watched.keys()].map(stop))

  function start(clusterId: string, revision: number | undefined): void {
    const abort = new AbortController()
    const done = watchCluster({
      ...options,
      registry: options.namespaces,
      mappings: (id) =>
        directory
          .nodes()
          .filter((node) => node.clusterId === id)
          .flatMap((node) => directory.namespacesOf(node.id)),
      clusterId,
      client: upstreams.client(clusterId),
      signal: abort.signal,
    }).catch((error) => {
      logger.error({ err: error, clusterId }, 'the watch of a data plane ended')
      watched.delete(clusterId)
    })
    watched.set(clusterId, { revision, abort, done })
  }

  async function elect(locks: Awaited<ReturnType<ReconciliationStore['openLocks']>>): Promise<void> {
    const present = new Map(directory.clusters().map((cluster) => [cluster.id, cluster.connection?.revision]))
    for (const [id, entry] of watched) {
      // A new registration has a new client; the watch of the old one would end with it.
      if (!present.has(id) || present.get(id) !== entry.revision) await stop(id)
    }
    for (const [id, revision] of present) {
      if (!watched.has(id) && (await locks.tryLock(id))) start(id, revision)
    }
  }

  const loop = (async () => {
    while (!closed.signal.aborted) {
      const lost = new AbortController()
      try {
        const locks = await store.openLocks(() =>
          lost.abort(new Error('the connection of the locks was lost')),
        )
        try {
          const until = AbortSignal.any([lost.signal, closed.signal])
          while (!until.aborted) {
            await elect(locks)
            await clock.sleep(ELECT_MS, until, { ref: false }).catch(() => {})
          }
        } finally {
          await stopAll()
          await locks.close()
        }
      } catch (error) {
        logger.warn({ err: error }, 'data planes can not be looked after')
      }
      await clock.sleep(ELECT_MS, closed.signal, { ref: false }).catch(() => {})
    }
  })()

  return {
    clusters: () => [...watched.keys()],
    async close() {
      closed.abort()
      await loop
    },
  }
}
