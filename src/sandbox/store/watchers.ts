import type { Logger } from '../../lib/logger.ts'
import type { KubeObject, StoreEvent } from './types.ts'

/** One watch: what it selects and whom it tells. */
interface Watcher {
  matches(object: KubeObject): boolean
  onEvent(event: StoreEvent<KubeObject>): void
  queue: StoreEvent<KubeObject>[]
  ended: boolean
}

/** The watches of one resource. Events are handed over in microtasks, never from inside a store call. */
export interface Watchers {
  /** `first` are delivered before anything else; gives the function that ends the watch. */
  add(
    matches: (object: KubeObject) => boolean,
    onEvent: (event: StoreEvent<KubeObject>) => void,
    first: readonly StoreEvent<KubeObject>[],
  ): () => void
  tell(event: StoreEvent<KubeObject>): void
}

export function createWatchers(logger: Logger): Watchers {
  const watchers = new Set<Watcher>()

  const enqueue = (watcher: Watcher, event: StoreEvent<KubeObject>) => {
    const narrowed = narrow(event, watcher.matches)
    if (!narrowed) return
    watcher.queue.push(narrowed)
    if (watcher.queue.length === 1) queueMicrotask(() => drain(watcher))
  }

  const drain = (watcher: Watcher) => {
    // The queue is emptied only at the end, so that what arrives meanwhile starts no second drain.
    for (let i = 0; i < watcher.queue.length && !watcher.ended; i++) {
      try {
        watcher.onEvent(watcher.queue[i]!)
      } catch (error) {
        logger.error({ err: error }, 'a watch callback threw')
      }
    }
    watcher.queue = []
  }

  return {
    add(matches, onEvent, first) {
      const watcher: Watcher = { matches, onEvent, queue: [], ended: false }
      watchers.add(watcher)
      for (const event of first) enqueue(watcher, event)
      return () => {
        watcher.ended = true
        watchers.delete(watcher)
      }
    },
    tell(event) {
      for (const watcher of watchers) enqueue(watcher, event)
    },
  }
}

/**
 * The event as one with this selection sees it: an object that comes to match is ADDED, one that no longer matches is
 * DELETED with its last matching state and the new version (what an API server's watch cache does).
 */
export function narrow(
  event: StoreEvent<KubeObject>,
  matches: (object: KubeObject) => boolean,
): StoreEvent<KubeObject> | undefined {
  const before = event.previous !== undefined && matches(event.previous)
  if (event.type === 'DELETED') return before || matches(event.object) ? event : undefined
  if (matches(event.object)) {
    return before || event.type === 'ADDED' ? event : { type: 'ADDED', object: event.object }
  }
  if (!before || !event.previous) return undefined
  const { resourceVersion } = event.object.metadata
  const last = { ...event.previous, metadata: { ...event.previous.metadata, resourceVersion } }
  return { type: 'DELETED', object: last, previous: event.previous }
}
