import type { Clock } from '../../lib/clock.ts'

/**
 * How many tokens that are not known may be asked about: a caller who makes tokens up costs the user's API server a
 * TokenReview each. Good ones are given back, so that only those which turn out to be junk count.
 */
export interface ReviewBudget {
  /** Takes one review for a caller at this address; undefined when it, or everybody together, has had enough. */
  take(address: string): { giveBack(): void } | undefined
}

interface Bucket {
  left: number
  atMs: number
}

/** An address: 20 at once, then one a second. All together: 200 at once, then 20 a second. */
const ONE = { size: 20, perSecond: 1 }
const ALL = { size: 200, perSecond: 20 }
/** Addresses that are remembered; the oldest is forgotten, `ALL` bounds what that lets through. */
const MAX_ADDRESSES = 2_000

/** Makes a budget, full. */
export function createReviewBudget(clock: Pick<Clock, 'elapsed'>): ReviewBudget {
  const addresses = new Map<string, Bucket>()
  const everybody: Bucket = { left: ALL.size, atMs: clock.elapsed() }

  function fill(bucket: Bucket, { size, perSecond }: typeof ONE): Bucket {
    const now = clock.elapsed()
    bucket.left = Math.min(size, bucket.left + ((now - bucket.atMs) / 1000) * perSecond)
    bucket.atMs = now
    return bucket
  }

  function bucketOf(address: string): Bucket {
    const bucket = addresses.get(address) ?? { left: ONE.size, atMs: clock.elapsed() }
    addresses.delete(address)
    addresses.set(address, bucket)
    const oldest = addresses.size > MAX_ADDRESSES ? addresses.keys().next().value : undefined
    if (oldest !== undefined) addresses.delete(oldest)
    return fill(bucket, ONE)
  }

  return {
    take(address) {
      const own = bucketOf(address)
      fill(everybody, ALL)
      if (own.left < 1 || everybody.left < 1) return undefined
      own.left -= 1
      everybody.left -= 1
      return {
        giveBack() {
          own.left = Math.min(ONE.size, own.left + 1)
          everybody.left = Math.min(ALL.size, everybody.left + 1)
        },
      }
    },
  }
}
