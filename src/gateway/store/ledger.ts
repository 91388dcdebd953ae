import { IsthmusError } from '../../protocol/errors/index.ts'
import {
  type Amounts,
  isCapacity,
  type QuotaLedger,
  type ReservationRequest,
  shortage,
} from '../quota/index.ts'
import type { Database, Queryable } from './database.ts'
import { addToRows, lockRows, openRows, toJson, toMap } from './ledger-rows.ts'
import { COMMIT, RELEASE, TAKE } from './ledger-statements.ts'

export interface LedgerOptions {
  /** Until the object must be seen in the data plane, in milliseconds; later a GET decides (reconciler). 2 minutes by default. */
  reservationMs?: number
}

const RESERVATION_MS = 120_000
/** A write upstream may take 30 s, and one whose answer was lost may still come: so long nobody takes off what it was charged. */
const WRITE_MS = 90_000

/**
 * The quota ledger. Lock order, the same everywhere: first the reservation's row, then the ledger's rows by
 * (owner_kind, owner_id, resource). Commit and release are one statement and one round trip each; they act on an id
 * that the gateway drew, so that there is no tenant's word in them to be confined.
 */
export function postgresLedger(database: Database, options: LedgerOptions = {}): QuotaLedger {
  const { reservationMs = RESERVATION_MS } = options
  return {
    async reserve(request) {
      const amounts = positive(request.amounts)
      await database.forTenant(request.tenantId, async (tx) => {
        if (await insertReservation(tx, request, amounts, reservationMs))
          await take(tx, request, amounts, 'reserved')
      })
    },

    commit: (id, object) =>
      again(() =>
        database.query(COMMIT, [id, object.uid, toJson(positive(object.amounts))], 'ledger-commit'),
      ),

    release: (id) => again(() => database.query(RELEASE, [id], 'ledger-release')),

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

/** False when the id is known: the same reservation again. @throws unavailable when the node takes nothing new */
async function insertReservation(
  tx: Queryable,
  request: ReservationRequest,
  amounts: Amounts,
  reservationMs: number,
): Promise<boolean> {
  const rows = await tx.query(
    `insert into reservations
       (id, tenant_id, node_id, cluster_id, namespace, physical_namespace, name, amounts, expires_at)
     select $1, $2, n.id, $4, $5, $6, $7, $8::jsonb, now() + make_interval(secs => $9)
       from nodes n join clusters c on c.id = n.cluster_id
      where n.id = $3 and n.tenant_id = $2 and n.deleting is null and not c.maintenance
     on conflict (id) do nothing
     returning id`,
    [
      request.id,
      request.tenantId,
      request.nodeId,
      request.clusterId,
      request.namespace,
      request.physicalNamespace,
      request.name,
      toJson(amounts),
      reservationMs / 1000,
    ],
    'ledger-reserve',
  )
  if (rows.length > 0) return true
  const known = await tx.query('select 1 from reservations where id = $1', [request.id])
  if (known.length > 0) return false
  throw new IsthmusError(
    'unavailable',
    'The node is being removed or its data plane is in maintenance: no new objects.',
    { retryAfterSeconds: 30 },
  )
}

/** Takes the amounts, or throws and leaves the transaction to be rolled back. @throws quota_exceeded */
async function take(
  tx: Queryable,
  owner: { tenantId: string; nodeId: string },
  amounts: Amounts,
  column: 'used' | 'reserved',
): Promise<void> {
  if (amounts.size === 0) return
  const resources = [...amounts.keys()]
  const values = [
    owner.tenantId,
    owner.nodeId,
    resources,
    [...amounts.values()].map(String),
    resources.filter(isCapacity),
    column === 'used',
  ]
  const fits = async () => (await tx.query(TAKE, values, 'ledger-take')).length > 0
  if (await fits()) return
  // A resource may be new to a tenant whose quota lets others be unlimited.
  if ((await openRows(tx, owner.tenantId, resources)) && (await fits())) return
  const refusal = shortage(amounts, await lockRows(tx, owner, resources))
  // Nothing is short: another has opened the rows or freed room since. Nobody can change them now, so asking once more decides.
  if (refusal.details.causes?.length === 0 && (await fits())) return
  throw refusal
}

const positive = (amounts: Amounts) => new Map([...amounts].filter(([, amount]) => amount > 0n))

const difference = (to: Amounts, from: Amounts): Amounts =>
  sum(to, new Map([...from].map(([resource, amount]) => [resource, -amount])))

function sum(a: Amounts, b: Amounts): Amounts {
  const result = new Map(a)
  for (const [resource, amount] of b) result.set(resource, (result.get(resource) ?? 0n) + amount)
  return result
}
