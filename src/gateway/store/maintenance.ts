import type { Clock } from '../../lib/clock.ts'
import type { Logger } from '../../lib/logger.ts'
import type { Database } from './database.ts'

const EVERY_MS = 60_000
/** Any constant of our own: one replica at a time clears up. */
const LOCK = 0x1577_6d6e

/** What grows without bound, and how long it is kept (threat G19). One statement each, in batches. */
const EXPIRIES: readonly string[] = [
  // Readers that were away for longer load everything anew.
  `delete from changes where at < now() - interval '1 hour'`,
  `delete from idempotency_keys where created_at < now() - interval '1 day'`,
  `update sessions set state = 'ended', outcome = 'expired', ended_at = now()
    where state = 'ticket' and ticket_expires_at < now() - interval '1 minute'`,
  `delete from sessions where state = 'ended' and ended_at < now() - interval '7 days'`,
  `delete from replicas where heartbeat_at < now() - interval '1 day'`,
  `delete from operators where expires_at < now() - interval '30 days'`,
  `delete from audit where id in (select id from audit where at < now() - interval '90 days' order by id limit 10000)`,
]

/** Clears up once a minute, until closed. */
export function startMaintenance(options: { database: Database; clock: Clock; logger: Logger }): {
  close(): Promise<void>
} {
  const { database, clock, logger } = options
  const closed = new AbortController()
  async function clear(): Promise<void> {
    for (const statement of EXPIRIES) {
      await database.transaction(async (tx) => {
        const [row] = await tx.query<{ got: boolean }>('select pg_try_advisory_xact_lock($1) as got', [LOCK])
        if (row?.got) await tx.query(statement)
      })
    }
  }
  const loop = (async () => {
    while (!closed.signal.aborted) {
      await clock.sleep(EVERY_MS, closed.signal, { ref: false }).catch(() => {})
      if (closed.signal.aborted) return
      await clear().catch((error) => logger.warn({ err: error }, 'old rows could not be cleared up'))
    }
  })()
  return {
    async close() {
      closed.abort()
      await loop
    },
  }
}
