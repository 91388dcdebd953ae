import type { Sealer } from '../../lib/seal.ts'
import { IsthmusError } from '../../protocol/errors/index.ts'
import type { Database, Queryable } from './database.ts'

/** Everything that is sealed with a master key, and for what purpose. */
const SEALED = [
  { table: 'clusters', id: 'id', column: 'sealed_credential', purpose: (id: string) => `cluster:${id}` },
  {
    table: 'signing_keys',
    id: 'kid',
    column: 'sealed_private',
    purpose: (id: string) => `signing-key:${id}`,
  },
] as const

export interface Resealed {
  /** Rows that are sealed with the first master key now and were not before. */
  changed: number
  /** Rows that were already. */
  current: number
}

/**
 * Seals every secret anew with the first master key, in one transaction: after it the other keys may be taken out
 * of the configuration. Running gateways go on with what they hold as long as they have the old key.
 * @throws IsthmusError bad_request when a row opens with none of the keys; nothing is changed then
 */
export function reseal(database: Database, sealer: Sealer): Promise<Resealed> {
  return database.transaction(async (tx) => {
    const counted = { changed: 0, current: 0 }
    for (const place of SEALED) await resealTable(tx, sealer, place, counted)
    return counted
  })
}

async function resealTable(
  tx: Queryable,
  sealer: Sealer,
  { table, id, column, purpose }: (typeof SEALED)[number],
  counted: Resealed,
): Promise<void> {
  // Locked, so that a credential changed meanwhile is not overwritten by the one that was read.
  const rows = await tx.query<{ id: string; sealed: Uint8Array }>(
    `select ${id} as id, ${column} as sealed from ${table} order by ${id} for update`,
  )
  for (const row of rows) {
    if (sealer.isCurrent(row.sealed)) {
      counted.current += 1
      continue
    }
    const sealed = sealer.seal(open(sealer, row.sealed, purpose(row.id)), purpose(row.id))
    await tx.query(`update ${table} set ${column} = $2 where ${id} = $1`, [row.id, sealed])
    counted.changed += 1
  }
}

function open(sealer: Sealer, sealed: Uint8Array, purpose: string): string {
  try {
    return sealer.open(sealed, purpose)
  } catch (cause) {
    throw new IsthmusError('bad_request', `No secret was changed: no master key opens ${purpose}`, { cause })
  }
}
