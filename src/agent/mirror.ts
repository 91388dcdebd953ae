import {
  createReflector,
  type KubeClient,
  type KubeObject,
  type Query,
  type Reflector,
} from '../kube/index.ts'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'

export interface MirrorOptions<T extends KubeObject> {
  client: Pick<KubeClient, 'send' | 'json'>
  path: readonly string[]
  query?: Query
  /** Under what the object is kept; undefined for one that is none of ours. */
  keyOf(object: T): string | undefined
  /** The object under this key came, changed or went; look it up. Must not throw. */
  onChange(key: string): void
  /** A whole list came; from now on `isSynced`. */
  onSynced?(): void
  /** How many gone objects are remembered; 0 by default. */
  tombstones?: number
  clock: Clock
  logger: Logger
  random(): number
  signal: AbortSignal
}

/** A collection of an API server as it is now, kept level by a watch; while the server is away, as it was last. */
export interface Mirror<T extends KubeObject> {
  get(key: string): T | undefined
  values(): IterableIterator<T>
  keys(): IterableIterator<string>
  entries(): IterableIterator<[string, T]>
  readonly size: number
  /** The last that was seen of an object that is gone. */
  tombstone(key: string): T | undefined
  /** Forgets a tombstone. */
  bury(key: string): void
  /** What a write answered: newer than what the watch has brought so far, which will bring it too. */
  put(object: T): void
  isSynced(): boolean
  staleSinceMs(): number | undefined
  /** Works until the signal is aborted. */
  run(): Promise<void>
}

/** Whether it is the same version of the same object, of which nobody needs to be told again. */
function isSame(a: KubeObject, b: KubeObject): boolean {
  return (
    a.metadata?.resourceVersion !== undefined &&
    a.metadata.resourceVersion === b.metadata?.resourceVersion &&
    a.metadata.uid === b.metadata.uid
  )
}

/** Whether `next` is not older than `present`. Versions are compared only where both are numbers (KEP-5504). */
function isNewer(present: KubeObject, next: KubeObject): boolean {
  const before = Number(present.metadata?.resourceVersion)
  const after = Number(next.metadata?.resourceVersion)
  if (present.metadata?.uid !== next.metadata?.uid) return true
  return !(Number.isFinite(before) && Number.isFinite(after)) || after >= before
}

/** Makes a mirror; `run()` starts it. */
export function createMirror<T extends KubeObject>(options: MirrorOptions<T>): Mirror<T> {
  const { keyOf, onChange } = options
  const objects = new Map<string, T>()
  const gone = new Map<string, T>()
  let synced = false

  function remove(key: string, last: T): void {
    objects.delete(key)
    if (options.tombstones) {
      gone.delete(key)
      gone.set(key, last)
      const oldest = gone.size > options.tombstones ? gone.keys().next().value : undefined
      if (oldest !== undefined) gone.delete(oldest)
    }
    onChange(key)
  }

  function put(object: T): void {
    const key = keyOf(object)
    if (key === undefined) return
    const present = objects.get(key)
    if (present && (isSame(present, object) || !isNewer(present, object))) return
    objects.set(key, object)
    onChange(key)
  }

  const reflector: Reflector = createReflector<T>({
    client: options.client,
    path: options.path,
    query: options.query,
    clock: options.clock,
    logger: options.logger,
    random: options.random,
    signal: options.signal,
    onReplaced(items) {
      const present = new Set<string>()
      for (const item of items) {
        const key = keyOf(item)
        if (key === undefined) continue
        present.add(key)
        const old = objects.get(key)
        if (old && isSame(old, item)) continue
        objects.set(key, item)
        onChange(key)
      }
      for (const [key, object] of objects) if (!present.has(key)) remove(key, object)
      synced = true
      options.onSynced?.()
    },
    onEvent(type, object) {
      const key = keyOf(object)
      if (key === undefined) return
      if (type !== 'DELETED') put(object)
      // An older object of the same key going must not take its successor along.
      else if (objects.get(key)?.metadata?.uid === object.metadata?.uid) remove(key, object)
    },
  })

  return {
    get: (key) => objects.get(key),
    values: () => objects.values(),
    keys: () => objects.keys(),
    entries: () => objects.entries(),
    get size() {
      return objects.size
    },
    tombstone: (key) => gone.get(key),
    bury: (key) => void gone.delete(key),
    put,
    isSynced: () => synced,
    staleSinceMs: () => reflector.staleSinceMs(),
    run: () => reflector.run(),
  }
}
