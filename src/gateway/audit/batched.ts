import type { Clock } from '../../lib/clock.ts'
import type { Logger } from '../../lib/logger.ts'
import { isIsthmusError } from '../../protocol/errors/index.ts'
import type { AuditEntry, AuditLog } from './index.ts'

/** Entries are at most this old when they are written. */
const FLUSH_MS = 500
/** One statement writes so many. */
const BATCH = 500
/** Kept while Postgres is away: about 5 MB. The oldest are dropped and counted. */
const KEEP_MAX = 20_000

/** Where entries go. @throws unavailable */
export interface AuditStore {
  append(entries: readonly (AuditEntry & { atMs: number })[]): Promise<void>
}

export interface BatchedAuditLog extends AuditLog {
  /** Entries dropped since the start. */
  dropped(): number
  /** Writes what is waiting, then stops. */
  close(): Promise<void>
}

/** Collects entries and writes them in batches, so that no request waits for its audit line. */
export function makeAuditLog(options: { store: AuditStore; clock: Clock; logger: Logger }): BatchedAuditLog {
  const { store, clock, logger } = options
  const waiting: (AuditEntry & { atMs: number })[] = []
  let dropped = 0
  let failing = false

  async function flush(): Promise<void> {
    while (waiting.length > 0) {
      const batch = waiting.splice(0, BATCH)
      try {
        await store.append(batch)
      } catch (error) {
        if (isIsthmusError(error, 'unavailable')) {
          waiting.unshift(...batch)
          throw error
        }
        // Anything else would fail for ever and hold all later entries up.
        dropped += batch.length
        logger.error({ err: error, entries: batch }, 'audit entries were refused by the database')
      }
    }
    failing = false
  }
  const closed = new AbortController()
  const loop = (async () => {
    while (!closed.signal.aborted) {
      await clock.sleep(FLUSH_MS, closed.signal, { ref: false }).catch(() => {})
      await flush().catch((error) => {
        if (!failing) logger.warn({ err: error, waiting: waiting.length }, 'audit entries have to wait')
        failing = true
      })
    }
  })()

  return {
    record(entry) {
      waiting.push({ ...entry, atMs: clock.now() })
      if (waiting.length > KEEP_MAX) {
        waiting.shift()
        dropped += 1
      }
    },
    dropped: () => dropped,
    async close() {
      closed.abort()
      await loop
      await flush().catch((error) =>
        logger.error({ err: error, lost: waiting.length }, 'audit entries are lost'),
      )
    },
  }
}
