import type { Clock } from './clock.ts'
import type { Logger } from './logger.ts'

/** How a work queue behaves. */
export interface WorkQueueOptions<K> {
  /** For the log. */
  name: string
  /**
   * Brings the world to what `key` should be; level-triggered, so it reads the present state itself.
   * Throwing means "again later". A number is "again after so many milliseconds", without counting as a failure.
   */
  handle(key: K, signal: AbortSignal): Promise<number | undefined>
  clock: Clock
  logger: Logger
  /** 0 ≤ x < 1, for jitter. */
  random(): number
  /** Keys handled at a time; 8 by default. One key is never handled twice at once. */
  concurrency?: number
  /** First delay after a failure; 200 ms by default. Doubles each time. */
  baseDelayMs?: number
  /** The longest delay; 60 s by default. A key is never given up: what is lost would be found only at a resync. */
  maxDelayMs?: number
  /** Lets an error say how long to wait, such as a 429's Retry-After. */
  delayOf?(error: unknown): number | undefined
}

/** A queue of keys: each is in it once, handled by one worker at a time, and again when it was added meanwhile. */
export interface WorkQueue<K> {
  /** Soon; also when the key waits for a later time. */
  add(key: K): void
  /** After `ms` at the latest; the earliest of several times wins. */
  addAfter(key: K, ms: number): void
  /** Resolves when the key is neither waiting to run now nor running (delayed retries do not count). */
  settled(key: K): Promise<void>
  /** Keys waiting or running, delayed ones not counted. */
  readonly depth: number
  /** Takes no more, aborts the handlers' signal and waits for the running ones. */
  close(): Promise<void>
}

interface Delayed {
  dueMs: number
  cancel: AbortController
}

/** Makes a keyed work queue with capped, jittered exponential back-off. */
export function createWorkQueue<K>(options: WorkQueueOptions<K>): WorkQueue<K> {
  const { clock, logger, random, handle } = options
  const concurrency = options.concurrency ?? 8
  const baseDelayMs = options.baseDelayMs ?? 200
  const maxDelayMs = options.maxDelayMs ?? 60_000
  const ready = new Set<K>()
  const running = new Map<K, Promise<void>>()
  const dirty = new Set<K>()
  const delayed = new Map<K, Delayed>()
  const failures = new Map<K, number>()
  const waiters = new Map<K, (() => void)[]>()
  const closing = new AbortController()

  function backOff(error: unknown, attempt: number): number {
    const asked = options.delayOf?.(error)
    if (asked !== undefined) return asked
    const full = Math.min(maxDelayMs, baseDelayMs * 2 ** Math.min(attempt - 1, 30))
    return full / 2 + (full / 2) * random()
  }

  async function run(key: K): Promise<void> {
    try {
      const again = await handle(key, closing.signal)
      failures.delete(key)
      if (again !== undefined) addAfter(key, again)
    } catch (error) {
      if (closing.signal.aborted) return
      const attempt = (failures.get(key) ?? 0) + 1
      failures.set(key, attempt)
      const delayMs = Math.round(backOff(error, attempt))
      const level = attempt > 3 ? 'warn' : 'debug'
      logger[level]({ queue: options.name, key, attempt, delayMs, err: error }, 'will be tried again')
      addAfter(key, delayMs)
    }
  }

  function pump(): void {
    for (const key of ready) {
      if (running.size >= concurrency || closing.signal.aborted) return
      ready.delete(key)
      const work = run(key).finally(() => {
        running.delete(key)
        if (dirty.delete(key)) ready.add(key)
        else release(key)
        pump()
      })
      running.set(key, work)
    }
  }

  function release(key: K): void {
    const list = waiters.get(key)
    waiters.delete(key)
    for (const wake of list ?? []) wake()
  }

  function add(key: K): void {
    if (closing.signal.aborted) return
    delayed.get(key)?.cancel.abort()
    delayed.delete(key)
    if (running.has(key)) dirty.add(key)
    else ready.add(key)
    pump()
  }

  function addAfter(key: K, ms: number): void {
    if (closing.signal.aborted || ready.has(key) || dirty.has(key)) return
    const dueMs = clock.elapsed() + ms
    const present = delayed.get(key)
    if (present && present.dueMs <= dueMs) return
    present?.cancel.abort()
    const entry: Delayed = { dueMs, cancel: new AbortController() }
    delayed.set(key, entry)
    clock.sleep(ms, entry.cancel.signal, { ref: false }).then(
      () => {
        if (delayed.get(key) === entry) add(key)
      },
      () => {}, // cancelled: an earlier time or a close took its place
    )
  }

  return {
    add,
    addAfter,
    settled(key) {
      if (!ready.has(key) && !running.has(key)) return Promise.resolve()
      return new Promise((resolve) => waiters.set(key, [...(waiters.get(key) ?? []), resolve]))
    },
    get depth() {
      return ready.size + running.size
    },
    async close() {
      closing.abort(new Error('the queue was closed'))
      for (const entry of delayed.values()) entry.cancel.abort()
      delayed.clear()
      ready.clear()
      dirty.clear()
      await Promise.allSettled(running.values())
      for (const key of [...waiters.keys()]) release(key)
    },
  }
}
