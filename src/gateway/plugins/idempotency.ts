import { createHash } from 'node:crypto'
import type { Clock } from '../../lib/clock.ts'
import { IsthmusError } from '../../protocol/errors/index.ts'
import type { IdempotencyStore } from '../operators/index.ts'

export interface Outcome {
  status: number
  /** What is kept and replayed: nothing secret. */
  body: unknown
}

export interface IdempotentRequest {
  operatorId: string
  key: string
  method: string
  url: string
  body: unknown
}

/** How long a second request with the same key waits for the first. */
const WAIT_MS = 10_000
const STEP_MS = 50

/**
 * Does `work` once per key: whoever comes with the same key and request gets the first one's outcome, also while that
 * is still under way. A failed request frees its key. @throws idempotency_mismatch, conflict when the first takes too long
 */
export async function once(
  store: IdempotencyStore,
  clock: Clock,
  request: IdempotentRequest,
  work: () => Promise<Outcome>,
): Promise<Outcome & { replayed: boolean }> {
  const { operatorId, key } = request
  if (key.length === 0 || key.length > 255 || !/^[\x21-\x7e]+$/.test(key)) {
    throw new IsthmusError('bad_request', 'An Idempotency-Key has 1 to 255 visible characters.')
  }
  const fingerprint = createHash('sha256')
    .update(JSON.stringify([request.method, request.url, request.body ?? null]))
    .digest()
  const until = clock.now() + WAIT_MS
  for (;;) {
    const found = await store.begin(operatorId, key, fingerprint)
    if (found.state === 'done') return { status: found.status, body: found.response, replayed: true }
    if (found.state === 'new') break
    if (clock.now() > until) {
      throw new IsthmusError('conflict', 'The first request with this Idempotency-Key is still under way.', {
        retryAfterSeconds: 1,
      })
    }
    await clock.sleep(STEP_MS)
  }
  try {
    const outcome = await work()
    await store.finish(operatorId, key, outcome.status, outcome.body)
    return { ...outcome, replayed: false }
  } catch (error) {
    await store.abandon(operatorId, key)
    throw error
  }
}
