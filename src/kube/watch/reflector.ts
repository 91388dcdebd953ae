import type { Clock } from '../../lib/clock.ts'
import type { Logger } from '../../lib/logger.ts'
import { isKubeApiError, type KubeClient, type Query } from '../client/types.ts'
import { createBackoff } from './backoff.ts'
import { listPages } from './list-pages.ts'
import { type KubeObject, WatchIdleError, watchOnce } from './watch-once.ts'

export type ObjectEventType = 'ADDED' | 'MODIFIED' | 'DELETED'
/** What a reflector was doing when an error met it. */
export type ReflectorPhase = 'list' | 'watch' | 'callback'

export interface ReflectorOptions<T extends KubeObject> {
  client: Pick<KubeClient, 'send' | 'json'>
  /** Of the collection: `['api', 'v1', 'pods']`. */
  path: readonly string[]
  /** Selectors; the rest is the reflector's. */
  query?: Query
  clock: Clock
  logger: Logger
  /** Uniform in [0, 1). */
  random: () => number
  /** Ends it. */
  signal: AbortSignal
  /** The whole, after each list: what is not among the items is gone. Awaited. */
  onReplaced(items: T[], resourceVersion: string): void | Promise<void>
  /** One change, at least once and in order; awaited, so that a slow store holds the server back. */
  onEvent(type: ObjectEventType, object: T): void | Promise<void>
  /** Each failure, before the wait; what it throws itself ends `run()`. They are logged in any case. */
  onError?(error: unknown, phase: ReflectorPhase): void
  /** Begins with a watch that sends the initial objects (WatchList, KEP-3157), and lists where that is refused. */
  watchList?: boolean
  /** Objects a page of the list; 250 by default. */
  pageSize?: number
  /** Quiet after which the connection is taken for dead, in milliseconds; 180,000 by default: bookmarks come about each minute. */
  idleTimeoutMs?: number
  /** 500 and 30,000 milliseconds by default. */
  backoff?: { baseMs: number; capMs: number }
}

export interface Reflector {
  /** Works until the signal is aborted, then resolves. Rejects only with what `onError` throws. Called once. */
  run(): Promise<void>
  /** Whether the store has had a whole list, and every event since. */
  isSynced(): boolean
  /** Since when nothing is known to be current, in epoch milliseconds; undefined while a watch is open. */
  staleSinceMs(): number | undefined
}

const INITIAL_EVENTS_END = 'k8s.io/initial-events-end'
/** A watch that lived so long was a healthy one: its end is no failure. */
const HEALTHY_MS = 5_000

class CallbackError extends Error {
  constructor(cause: unknown) {
    super('a callback of the reflector failed', { cause })
  }
}

/**
 * Keeps a store level with a collection: LIST, then WATCH with bookmarks, resumed where it ended, and LIST
 * again after 410 or when a callback failed (the store may have missed a change then). client-go's reflector
 * in short; unlike client-node's informer it stops for nothing but its signal (stack.md, G16).
 */
export function createReflector<T extends KubeObject>(options: ReflectorOptions<T>): Reflector {
  const { client, path, clock, logger, random, signal } = options
  const idleTimeoutMs = options.idleTimeoutMs ?? 180_000
  const backoff = createBackoff({ baseMs: 500, capMs: 30_000, ...options.backoff, random })
  let watchList = options.watchList ?? false
  let resourceVersion: string | undefined
  let synced = false
  let staleSince: number | undefined = clock.now()

  const call = async (callback: () => void | Promise<void>) => {
    try {
      await callback()
    } catch (error) {
      throw new CallbackError(error)
    }
  }

  async function list(): Promise<void> {
    const { pageSize, query } = options
    const whole = await listPages<T>(client, { path, query, signal, pageSize })
    await call(() => options.onReplaced(whole.items, whole.resourceVersion))
    resourceVersion = whole.resourceVersion
    synced = true
  }

  /** Whether the watch proved healthy before it ended. */
  async function watch(): Promise<boolean> {
    const started = clock.elapsed()
    // Five to ten minutes, drawn, as client-go: replicas do not reconnect together, a dead peer is noticed.
    const timeoutSeconds = Math.floor(300 + 300 * random())
    const initial = resourceVersion === undefined
    const query: Query = { ...options.query, allowWatchBookmarks: true, timeoutSeconds, resourceVersion }
    if (initial) Object.assign(query, { sendInitialEvents: true, resourceVersionMatch: 'NotOlderThan' })
    const first = new Map<string, T>()
    let beginning = initial
    const onOpen = () => {
      staleSince = undefined
    }
    const events = watchOnce<T>(client, { path, query, signal, idleTimeoutMs, onOpen })
    for await (const { type, object } of events) {
      const seen = object.metadata?.resourceVersion
      if (type === 'BOOKMARK') {
        if (beginning && object.metadata?.annotations?.[INITIAL_EVENTS_END] === 'true') {
          await call(() => options.onReplaced([...first.values()], seen ?? ''))
          first.clear()
          beginning = false
          synced = true
        }
      } else if (beginning) {
        const key = `${object.metadata?.namespace ?? ''}/${object.metadata?.name}`
        if (type === 'DELETED') first.delete(key)
        else first.set(key, object)
      } else {
        await call(() => options.onEvent(type, object))
      }
      if (!beginning && seen) resourceVersion = seen
      backoff.reset()
    }
    return clock.elapsed() - started >= HEALTHY_MS
  }

  /** One list or one watch. Returns how long to wait before the next, in milliseconds. */
  async function step(): Promise<number> {
    let phase: ReflectorPhase = 'list'
    try {
      if (resourceVersion === undefined && !watchList) await list()
      phase = 'watch'
      return (await watch()) ? 0 : backoff.next()
    } catch (error) {
      if (signal.aborted) return 0
      if (error instanceof WatchIdleError) return 0
      staleSince ??= clock.now()
      if (isGone(error)) {
        resourceVersion = undefined
        logger.debug({ path }, 'the resource version is too old, listing again')
        return backoff.next()
      }
      if (phase === 'watch' && resourceVersion === undefined && isRefusal(error)) {
        watchList = false // this server knows no sendInitialEvents
        return 0
      }
      if (error instanceof CallbackError) {
        resourceVersion = undefined
        synced = false
        report(error.cause, 'callback')
      } else report(error, phase)
      return Math.max(backoff.next(), retryAfterMs(error))
    }
  }

  function report(error: unknown, phase: ReflectorPhase): void {
    logger.warn({ err: error, phase, path }, 'the reflector failed and tries again')
    options.onError?.(error, phase)
  }

  async function run(): Promise<void> {
    while (!signal.aborted) {
      const wait = await step()
      if (wait > 0 && !signal.aborted) await clock.sleep(wait, signal).catch(ignoreAbort)
    }
  }

  function ignoreAbort(error: unknown): void {
    if (!signal.aborted) throw error
  }

  return { run, isSynced: () => synced, staleSinceMs: () => staleSince }
}

/** The version can not be watched: too old (410), or newer than this server (a restored etcd, a lagging cache). */
function isGone(error: unknown): boolean {
  return (
    isKubeApiError(error, 410) ||
    (isKubeApiError(error, 504) &&
      !!error.status.details?.causes?.some((cause) => cause.reason === 'ResourceVersionTooLarge'))
  )
}

/** What the server asks for, up to a minute. */
function retryAfterMs(error: unknown): number {
  return isKubeApiError(error) ? Math.min(error.retryAfterSeconds ?? 0, 60) * 1000 : 0
}

/** The server will not have these parameters, whoever asks. */
function isRefusal(error: unknown): boolean {
  return isKubeApiError(error, 400) || isKubeApiError(error, 422)
}
