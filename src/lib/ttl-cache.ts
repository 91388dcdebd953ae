/** A bounded cache whose entries end by themselves; concurrent misses of one key share one computation. */
export interface TtlCache<V> {
  /** The value under `key`, computed when absent or too old. A rejection is not kept. */
  get(key: string, compute: () => Promise<{ value: V; ttlMs: number }>): Promise<V>
}

/** @param options.elapsed monotonic milliseconds; options.max entries kept, the oldest goes first */
export function createTtlCache<V>(options: { elapsed(): number; max: number }): TtlCache<V> {
  const entries = new Map<string, { value: V; endsAt: number }>()
  const pending = new Map<string, Promise<V>>()
  return {
    get(key, compute) {
      const entry = entries.get(key)
      if (entry && options.elapsed() < entry.endsAt) return Promise.resolve(entry.value)
      const running = pending.get(key)
      if (running) return running
      const promise = compute()
        .then(({ value, ttlMs }) => {
          entries.delete(key)
          entries.set(key, { value, endsAt: options.elapsed() + ttlMs })
          const oldest = entries.size > options.max ? entries.keys().next().value : undefined
          if (oldest !== undefined) entries.delete(oldest)
          return value
        })
        .finally(() => pending.delete(key))
      pending.set(key, promise)
      return promise
    },
  }
}
