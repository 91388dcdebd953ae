import type { Clock } from '../../lib/clock.ts'
import type { Logger } from '../../lib/logger.ts'
import type { ClusterRecord, CutOff, Directory, NodeRecord } from './index.ts'
import type { Change, ChangeKind, DirectorySource } from './source.ts'
import { Tables } from './tables.ts'

/** Cut-offs are promised in under 2 s on every replica; wake-ups bring them in milliseconds, the poll in this. */
const POLL_MS = 1_000
/** A copy older than this without a failure (a database that hangs) counts as stale too. */
const STALE_AFTER_MS = 3_000
/** Level-triggered: whatever the feed may have lost is found by reading everything again. */
const RESYNC_MS = 300_000
/** After so long without the feed its older rows may have been purged. */
const RELOAD_AFTER_OUTAGE_MS = 60_000

export interface FollowOptions {
  source: DirectorySource
  clock: Clock
  logger: Logger
}

export interface FollowedDirectory extends Directory {
  /** Calls `listener` after changes of this kind were seen, for what is not in the directory itself (keys). */
  onChange(kind: ChangeKind, listener: (keys: string[]) => void): () => void
  clusters(): ClusterRecord[]
  nodes(): NodeRecord[]
  close(): Promise<void>
}

/**
 * Loads the directory whole and follows it until closed. One reader at a time: a wake-up or `refresh` that
 * arrives while a read is under way waits for the next, which sees everything committed before the call.
 * @throws IsthmusError unavailable when the first load fails
 */
export async function followDirectory(options: FollowOptions): Promise<FollowedDirectory> {
  const { source, clock, logger } = options
  const tables = new Tables()
  const cutOffListeners = new Set<(cutOff: CutOff) => void>()
  const changeListeners = new Map<ChangeKind, Set<(keys: string[]) => void>>()
  const first = await source.load()
  tables.replaceAll(first.records)
  let cursor = first.cursor
  let freshAt = clock.now()
  let loadedAt = freshAt
  let failing = false

  const tell = <T>(listeners: Iterable<(value: T) => void>, value: T) => {
    for (const listener of listeners) {
      try {
        listener(value)
      } catch (error) {
        logger.error({ err: error }, 'a listener of the directory failed')
      }
    }
  }
  const cut = (cutOffs: readonly CutOff[]) => {
    for (const cutOff of cutOffs) {
      logger.info({ ...cutOff }, 'cut off')
      tell(cutOffListeners, cutOff)
    }
  }

  async function step(): Promise<void> {
    const began = clock.now()
    if (began - loadedAt > RESYNC_MS || (failing && began - freshAt > RELOAD_AFTER_OUTAGE_MS)) {
      const { records, cursor: next } = await source.load()
      cursor = next
      loadedAt = began
      cut(tables.replaceAll(records))
      for (const [, listeners] of changeListeners) tell(listeners, [])
    } else {
      const { changes, cursor: next } = await source.since(cursor)
      if (changes.length > 0) {
        cut(tables.apply(changes, await source.read(changes)))
        announce(changes)
      }
      cursor = next
    }
    freshAt = began
    if (failing) logger.info({}, 'the directory is fresh again')
    failing = false
  }

  function announce(changes: readonly Change[]): void {
    for (const [kind, listeners] of changeListeners) {
      const keys = changes.filter((change) => change.kind === kind).map((change) => change.key)
      if (keys.length > 0) tell(listeners, keys)
    }
  }

  let running: Promise<void> | undefined
  let queued: Promise<void> | undefined
  function refresh(): Promise<void> {
    if (!running) {
      running = step()
        .catch((error) => {
          if (!failing) logger.warn({ err: error }, 'the directory can not be refreshed')
          failing = true
          throw error
        })
        .finally(() => {
          running = undefined
        })
      return running
    }
    queued ??= running
      .catch(() => {})
      .then(() => {
        queued = undefined
        return refresh()
      })
    return queued
  }

  const closed = new AbortController()
  let wake = () => {}
  const unlisten = source.onWake(() => wake())
  const loop = (async () => {
    while (!closed.signal.aborted) {
      const pause = new AbortController()
      wake = () => pause.abort(new Error('woken'))
      const stop = () => pause.abort(new Error('closed'))
      closed.signal.addEventListener('abort', stop, { once: true })
      await clock.sleep(POLL_MS, pause.signal, { ref: false }).catch(() => {})
      closed.signal.removeEventListener('abort', stop)
      if (!closed.signal.aborted) await refresh().catch(() => {})
    }
  })()

  return {
    tenant: (id) => tables.tenants.get(id),
    cluster: (id) => tables.clusters.get(id),
    node: (id) => tables.nodes.get(id),
    credential: (id) => tables.credentials.get(id),
    namespace: (nodeId, name) => tables.namespace(nodeId, name),
    namespaceByPhysicalName: (name) => tables.byPhysicalName.get(name),
    namespacesOf: (nodeId) => tables.namespacesOf(nodeId),
    isPhysicalName: (candidate) => tables.byPhysicalName.has(candidate),
    clusters: () => [...tables.clusters.values()],
    nodes: () => [...tables.nodes.values()],
    refresh,
    staleSinceMs: () => (failing || clock.now() - freshAt > STALE_AFTER_MS ? freshAt : undefined),
    onCutOff(listener) {
      cutOffListeners.add(listener)
      return () => cutOffListeners.delete(listener)
    },
    onChange(kind, listener) {
      const listeners = changeListeners.get(kind) ?? new Set()
      changeListeners.set(kind, listeners.add(listener))
      return () => listeners.delete(listener)
    },
    async close() {
      closed.abort()
      await unlisten()
      await loop
      await running?.catch(() => {})
    },
  }
}
