import { IsthmusError } from '../../protocol/errors/index.ts'
import type { IdempotencyStore } from '../operators/index.ts'
import type { Database } from './database.ts'

/** A request that has not ended by then has crashed: its key is free again. */
const RUNNING_SECONDS = 60

export function postgresIdempotency(database: Database): IdempotencyStore {
  return {
    begin: (operatorId, key, fingerprint) =>
      database.transaction(async (tx) => {
        // The primary key lets one of several at once insert; the others wait for its commit and read.
        const inserted = await tx.query(
          `insert into idempotency_keys (operator_id, key, fingerprint) values ($1, $2, $3)
           on conflict (operator_id, key) do update set created_at = now()
             where idempotency_keys.status is null and idempotency_keys.fingerprint = excluded.fingerprint
               and idempotency_keys.created_at < now() - make_interval(secs => $4)
           returning key`,
          [operatorId, key, fingerprint, RUNNING_SECONDS],
        )
        if (inserted.length > 0) return { state: 'new' as const }
        const [row] = await tx.query<{ fingerprint: Buffer; status: number | null; response: unknown }>(
          'select fingerprint, status, response from idempotency_keys where operator_id = $1 and key = $2',
          [operatorId, key],
        )
        if (!row) return { state: 'running' as const } // abandoned this moment; the caller asks again
        if (!row.fingerprint.equals(fingerprint)) {
          throw new IsthmusError('idempotency_mismatch', 'This Idempotency-Key was used for another request.')
        }
        return row.status === null
          ? { state: 'running' as const }
          : { state: 'done' as const, status: row.status, response: row.response }
      }),

    async finish(operatorId, key, status, response) {
      await database.query(
        'update idempotency_keys set status = $3, response = $4::jsonb where operator_id = $1 and key = $2',
        [operatorId, key, status, JSON.stringify(response ?? null)],
      )
    },

    async abandon(operatorId, key) {
      await database.query(
        'delete from idempotency_keys where operator_id = $1 and key = $2 and status is null',
        [operatorId, key],
      )
    },
  }
}
