import type { KeyStore, StoredKey } from '../tokens/index.ts'
import type { Database } from './database.ts'

/** Any constant of our own: one runner at a time decides whether a new key is due. */
const ROTATION_LOCK = 0x1577_6b79

interface Row {
  kid: string
  public_jwk: StoredKey['publicJwk']
  sealed_private: Uint8Array
  active_at: Date
  retired_at: Date | null
}

export function postgresKeyStore(database: Database): KeyStore {
  return {
    async list() {
      const rows = await database.query<Row>(
        'select kid, public_jwk, sealed_private, active_at, retired_at from signing_keys order by active_at',
      )
      return rows.map((row) => ({
        kid: row.kid,
        publicJwk: row.public_jwk,
        sealedPrivate: row.sealed_private,
        activeAtMs: row.active_at.getTime(),
        retiredAtMs: row.retired_at?.getTime(),
      }))
    },

    add: (key, { unlessYoungerThanMs }) =>
      database.transaction(async (tx) => {
        await tx.query('select pg_advisory_xact_lock($1)', [ROTATION_LOCK])
        const younger = await tx.query('select 1 from signing_keys where active_at > $1 limit 1', [
          new Date(unlessYoungerThanMs),
        ])
        if (younger.length > 0) return
        const activeAt = new Date(key.activeAtMs)
        await tx.query('update signing_keys set retired_at = $1 where retired_at is null', [activeAt])
        await tx.query(
          'insert into signing_keys (kid, public_jwk, sealed_private, active_at) values ($1, $2::jsonb, $3, $4)',
          [key.kid, JSON.stringify(key.publicJwk), key.sealedPrivate, activeAt],
        )
      }),

    async removeRetiredBefore(timeMs) {
      await database.query('delete from signing_keys where retired_at < $1', [new Date(timeMs)])
    },
  }
}
