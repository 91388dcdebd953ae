/** How fast a bucket fills and how much it holds. */
export interface BucketRate {
  /** Tokens a second; 0 switches the limit off. */
  perSecond: number
  /** Tokens that a full bucket holds: what may come at once after a rest. */
  burst: number
}

/** Token buckets by key, in the memory of this replica. */
export interface TokenBuckets {
  /**
   * Takes `cost` tokens of this key's bucket, all or none.
   * @returns 0 when they were there, otherwise the milliseconds until they will be
   */
  take(key: string, cost?: number): number
  /** Takes tokens whether they are there or not, for what turned out dearer than it looked; the debt is `burst` at most. */
  charge(key: string, cost: number): void
  /** Buckets that are kept. */
  readonly size: number
}

export interface TokenBucketsOptions {
  rate: BucketRate
  /** Monotonic milliseconds. */
  elapsed(): number
  /** Buckets kept; the one that was used longest ago goes first. A bucket is 100 bytes: 10,000 by default. */
  max?: number
}

/**
 * Buckets that fill evenly, so that nobody has a fresh allowance at the turn of a window. Our own 40 lines because the
 * packages count in windows, keep time by themselves and see neither upgrades nor a cost that is known afterwards.
 */
export function makeTokenBuckets({ rate, elapsed, max = 10_000 }: TokenBucketsOptions): TokenBuckets {
  const { perSecond, burst } = rate
  const buckets = new Map<string, { tokens: number; at: number }>()

  function fill(key: string) {
    const now = elapsed()
    const bucket = buckets.get(key) ?? { tokens: burst, at: now }
    bucket.tokens = Math.min(burst, bucket.tokens + ((now - bucket.at) * perSecond) / 1000)
    bucket.at = now
    // Last in the map is used last.
    buckets.delete(key)
    buckets.set(key, bucket)
    if (buckets.size > max) buckets.delete(buckets.keys().next().value as string)
    return bucket
  }

  return {
    take(key, cost = 1) {
      if (perSecond === 0) return 0
      const bucket = fill(key)
      if (bucket.tokens < cost) return Math.ceil(((cost - bucket.tokens) / perSecond) * 1000)
      bucket.tokens -= cost
      return 0
    },
    charge(key, cost) {
      if (perSecond === 0) return
      const bucket = fill(key)
      bucket.tokens = Math.max(-burst, bucket.tokens - cost)
    },
    get size() {
      return buckets.size
    },
  }
}
