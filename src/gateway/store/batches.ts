import { isIsthmusError } from '../../protocol/errors/index.ts'

export interface BatchesOptions<T> {
  /** Does all of it or nothing. False: not possible together, so that each is done by itself. */
  together(items: readonly T[]): Promise<boolean>
  /** One by itself. */
  alone(item: T): Promise<void>
  /** Batches of one key under way at once; what comes meanwhile makes up the next. */
  lanes: number
  /** Items of one batch at most. */
  size: number
}

interface Waiting<T> {
  id: string
  item: T
  resolve(): void
  reject(error: unknown): void
}

/**
 * Group commit: what comes for one key while a transaction of it is under way goes into the next one together.
 * Transactions that change the same rows wait for each other until the disk has the one before, some milliseconds
 * each; together they wait once. Alone, nothing waits and nothing changes. Two items of one id are never together.
 */
export function makeBatches<T>(
  options: BatchesOptions<T>,
): (key: string, id: string, item: T) => Promise<void> {
  const { together, alone, lanes, size } = options
  const keys = new Map<string, { waiting: Waiting<T>[]; running: number }>()

  async function run(batch: readonly Waiting<T>[]): Promise<void> {
    if (batch.length > 1) {
      try {
        if (await together(batch.map(({ item }) => item))) {
          for (const { resolve } of batch) resolve()
          return
        }
      } catch (error) {
        // Each by itself would only find out the same, after the same wait.
        if (isIsthmusError(error, 'unavailable')) {
          for (const { reject } of batch) reject(error)
          return
        }
      }
    }
    await Promise.all(batch.map(({ item, resolve, reject }) => alone(item).then(resolve, reject)))
  }

  function next(key: string): void {
    const queue = keys.get(key)
    if (queue === undefined) return
    while (queue.running < lanes && queue.waiting.length > 0) {
      const batch = take(queue.waiting, size)
      queue.running++
      void run(batch).finally(() => {
        queue.running--
        next(key)
      })
    }
    if (queue.running === 0) keys.delete(key)
  }

  return (key, id, item) =>
    new Promise((resolve, reject) => {
      const queue = keys.get(key) ?? { waiting: [], running: 0 }
      keys.set(key, queue)
      queue.waiting.push({ id, item, resolve, reject })
      next(key)
    })
}

/** The first of them, each id once; the others stay. */
function take<T>(waiting: Waiting<T>[], size: number): Waiting<T>[] {
  const batch = new Map<string, Waiting<T>>()
  const rest: Waiting<T>[] = []
  for (const one of waiting.splice(0)) {
    if (batch.size < size && !batch.has(one.id)) batch.set(one.id, one)
    else rest.push(one)
  }
  waiting.push(...rest)
  return [...batch.values()]
}
