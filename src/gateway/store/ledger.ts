import { IsthmusError } from '../../protocol/errors/index.ts'
import type { Amounts, QuotaLedger, ReservationRequest } from '../quota/index.ts'
import { makeBatches } from './batches.ts'
import type { Database, Queryable } from './database.ts'
import { positive, reserveAlone, reserveTogether, sum, take } from './ledger-reserve.ts'
import { addToRows, lockRows, toJson, toMap } from './ledger-rows.ts'
import { COMMIT, RELEASE } from './ledger-statements.ts'

export interface LedgerOptions {
  /** Until the object must be seen in the data plane, in milliseconds; later a GET decides (reconciler). 2 minutes by default. */
  reservationMs?: number
}

const RESERVATION_MS = 120_000
/** A write upstream may take 30 s, and one whose answer was lost may still come: so long nobody takes off what it was charged. */
const WRITE_MS = 90_000

/** Reservations in one transaction at most: it stays in the milliseconds, and its locks with it. */
const BATCH = 64
/** Commits and releases know no tenant: several of them are under way at once, so that tenants do not wait in line. */
const LANES = 4

/**
 * The quota ledger. Lock order, the same everywhere: first reservations' rows by id, then the ledger's rows by
 * (owner_kind, owner_id, resource). Commit and release are one statement and one round trip each; they act on ids
 * that the gateway drew, so that there is no tenant's word in them to be confined.
 *
 * Every create of a tenant changes the same rows, and each change holds them until it is on the disk: one after the
 * other that is some hundred a second. So what comes while a transaction is under way goes together (batches.ts).
 */
export function postgresLedger(database: Database, options: LedgerOptions = {}): QuotaLedger {
  const reservationSeconds = (options.reservationMs ?? RESERVATION_MS) / 1000
  const reserve = makeBatches<ReservationRequest>({
    together: (requests) => reserveTogether(database, requests, reservationSeconds),
    alone: (request) => reserveAlone(database, request, reservationSeconds),
    lanes: 1,
    size: BATCH,
  })
  const commitAll = (commits: readonly Commitment[]) => {
    const amounts = commits.map((one) => toJson(positive(one.amounts)))
    const values = [commits.map(({ id }) => id), commits.map(({ uid }) => uid), amounts]
    return again(() => database.query(COMMIT, values, 'ledger-commit'))
  }
  const commit = makeBatches<Commitment>({
    together: (commits) => commitAll(commits).then(() => true),
    alone: (one) => commitAll([one]),
    lanes: LANES,
    size: BATCH,
  })
  const releaseAll = (ids: readonly string[]) => again(() => database.query(RELEASE, [ids], 'ledger-release'))
  const release = makeBatches<string>({
    together: (ids) => releaseAll(ids).then(() => true),
    alone: (id) => releaseAll([id]),
    lanes: LANES,
    size: BATCH,
  })
  return {
    reserve: (request) => reserve(`${request.tenantId} ${request.nodeId}`, request.id, request),
    commit: (id, { uid, amounts }) => commit('', id, { id, uid, amounts }),
    release: (id) => release('', id, id),

    async grow(id, wanted) {
      const grown = await database.transaction(async (tx) => {
        const held = await lockReservation(tx, id)
        if (!held)
          throw new IsthmusError('unavailable', 'The object is not charged yet.', { retryAfterSeconds: 5 })
        const growth = positive(difference(wanted, held.amounts))
        await take(tx, held.owner, growth, held.column)
        const version = await writeAmounts(tx, id, sum(held.amounts, growth), growth.size > 0 ? WRITE_MS : 0)
        return { growth, version }
      })
      return () =>
        database.transaction(async (tx) => {
          const held = await lockReservation(tx, id)
          if (!held || held.version !== grown.version) return
          const back = new Map([...grown.growth].map(([resource, amount]) => [resource, -amount]))
          await lockRows(tx, held.owner, [...back.keys()])
          await addToRows(tx, held.owner, held.column, back)
          await writeAmounts(tx, id, sum(held.amounts, back))
        })
    },
  }
}

interface Commitment {
  id: string
  uid: string
  amounts: Amounts
}

/** Waits for whoever changes the same reservation; undefined when it was released. */
async function lockReservation(tx: Queryable, id: string) {
  const [row] = await tx.query<{
    tenant_id: string
    node_id: string
    state: string
    amounts: Record<string, string>
    version: string
  }>(
    `select tenant_id, node_id, state, amounts, xmin::text as version from reservations where id = $1 for update`,
    [id],
  )
  return (
    row && {
      owner: { tenantId: row.tenant_id, nodeId: row.node_id },
      column: row.state === 'committed' ? ('used' as const) : ('reserved' as const),
      amounts: toMap(row.amounts),
      version: row.version,
    }
  )
}

/** Returns the row's version: the transaction that wrote it last, an unchanged amount included. */
async function writeAmounts(
  tx: Queryable,
  id: string,
  amounts: Amounts,
  holdMs = 0,
): Promise<string | undefined> {
  const [row] = await tx.query<{ version: string }>(
    `update reservations
        set amounts = $2::jsonb, expires_at = greatest(expires_at, now() + make_interval(secs => $3))
      where id = $1 returning xmin::text as version`,
    [id, toJson(positive(amounts)), holdMs / 1000],
  )
  return row?.version
}

/** A single statement is retried once when it was the victim of a deadlock, which the order of locks should exclude. */
async function again(statement: () => Promise<unknown>): Promise<void> {
  try {
    await statement()
  } catch (error) {
    const { code } = ((error as Error).cause ?? {}) as { code?: string }
    if (code !== '40P01') throw error
    await statement()
  }
}

const difference = (to: Amounts, from: Amounts): Amounts =>
  sum(to, new Map([...from].map(([resource, amount]) => [resource, -amount])))
