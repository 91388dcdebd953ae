import { IsthmusError } from '../../protocol/errors/index.ts'
import {
  type Amounts,
  isCapacity,
  type QuotaLedger,
  type ReservationRequest,
  shortage,
} from '../quota/index.ts'
import type { Database, Queryable } from './database.ts'
import { addToRows, type LedgerRow, lockRows, openRows, toJson, toMap } from './ledger-rows.ts'

/** Until the object must be seen in the data plane; later a GET decides (reconciler). */
const RESERVATION_SECONDS = 120

/**
 * The quota ledger. Lock order, the same everywhere: first the reservation's row, then the ledger's rows by
 * (owner_kind, owner_id, resource). READ COMMITTED is enough: what is compared was locked by the statement before.
 */
export function postgresLedger(database: Database): QuotaLedger {
  return {
    async reserve(request) {
      const amounts = positive(request.amounts)
      await database.forTenant(request.tenantId, async (tx) => {
        if (!(await insertReservation(tx, request, amounts))) return
        await take(tx, request, amounts, 'reserved')
      })
    },

    async commit(id, object) {
      await change(id, async (tx, held) => {
        const amounts = positive(object.amounts)
        await moveToUsed(tx, held, amounts)
        await tx.query(
          `update reservations set state = 'committed', uid = $2, amounts = $3::jsonb where id = $1`,
          [id, object.uid, toJson(amounts)],
        )
      })
    },

    async release(id) {
      await change(id, async (tx, held) => {
        await tx.query('delete from reservations where id = $1', [id])
        await lockRows(tx, held, [...held.amounts.keys()])
        await addToRows(tx, held, columnOf(held), negated(held.amounts))
      })
    },

    async adjust(id, wanted) {
      await change(id, async (tx, held) => {
        const amounts = positive(wanted)
        const growth = difference(amounts, held.amounts)
        await take(tx, held, growing(growth), columnOf(held))
        await addToRows(tx, held, columnOf(held), shrinking(growth))
        await tx.query('update reservations set amounts = $2::jsonb where id = $1', [id, toJson(amounts)])
      })
    },
  }

  /** Runs `work` with the reservation's row locked, in its tenant's scope; unknown ids are no error. */
  async function change(id: string, work: (tx: Queryable, held: Held) => Promise<void>): Promise<void> {
    const [owner] = await database.query<{ tenant_id: string }>(
      'select tenant_id from reservations where id = $1',
      [id],
    )
    if (!owner) return
    await database.forTenant(owner.tenant_id, async (tx) => {
      // Waits for whoever changes the same reservation; gone afterwards means that it was released.
      const [row] = await tx.query<{ node_id: string; state: string; amounts: Record<string, string> }>(
        'select node_id, state, amounts from reservations where id = $1 for update',
        [id],
      )
      if (!row) return
      const held = { tenantId: owner.tenant_id, nodeId: row.node_id, amounts: toMap(row.amounts) }
      await work(tx, { ...held, committed: row.state === 'committed' })
    })
  }
}

interface Held {
  tenantId: string
  nodeId: string
  amounts: Amounts
  committed: boolean
}

const columnOf = (held: Held) => (held.committed ? 'used' : 'reserved')

/** False when the id is known: the same reservation again. */
async function insertReservation(
  tx: Queryable,
  request: ReservationRequest,
  amounts: Amounts,
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
      RESERVATION_SECONDS,
    ],
  )
  if (rows.length > 0) return true
  const known = await tx.query('select 1 from reservations where id = $1', [request.id])
  if (known.length > 0) return false
  throw new IsthmusError(
    'unavailable',
    'The node is being removed or its data plane is in maintenance: no new objects.',
    {
      retryAfterSeconds: 30,
    },
  )
}

/**
 * Locks the rows and takes the amounts, or throws and leaves the transaction to be rolled back.
 * This is the only place where `hard` is compared.
 */
async function take(
  tx: Queryable,
  owner: { tenantId: string; nodeId: string },
  amounts: Amounts,
  column: 'used' | 'reserved',
): Promise<void> {
  if (amounts.size === 0) return
  const resources = [...amounts.keys()]
  let rows = await lockRows(tx, owner, resources)
  const lacking = resources.filter(
    (resource) => !rows.some((r) => r.ownerKind === 'tenant' && r.resource === resource),
  )
  if (lacking.length > 0 && (await openRows(tx, owner.tenantId, lacking))) {
    rows = await lockRows(tx, owner, resources)
  }
  const wanted = expected(rows, resources)
  const updated = await tx.query(
    `update ledger l
        set used = l.used + case when $5 then w.amount else 0 end,
            reserved = l.reserved + case when $5 then 0 else w.amount end
       from unnest($3::text[], $4::numeric[]) as w (resource, amount)
      where l.resource = w.resource
        and ((l.owner_kind = 'tenant' and l.owner_id = $1) or (l.owner_kind = 'node' and l.owner_id = $2))
        and (l.unlimited or l.used + l.reserved + w.amount <= l.hard)
      returning l.resource`,
    [owner.tenantId, owner.nodeId, resources, [...amounts.values()].map(String), column === 'used'],
  )
  if (wanted === undefined || updated.length < wanted) throw shortage(amounts, rows)
}

/** How many rows must be updated; undefined when a needed one is missing. */
function expected(rows: readonly LedgerRow[], resources: readonly string[]): number | undefined {
  for (const resource of resources) {
    const kinds = rows.filter((row) => row.resource === resource).map((row) => row.ownerKind)
    if (!kinds.includes('tenant')) return undefined
    // A node has no capacity of limits (they may be overcommitted) nor of counts; of what pods request it must have.
    if (isCapacity(resource) && !kinds.includes('node')) return undefined
  }
  return rows.length
}

/** From reserved (or used, when committed already) to used, with what the object really holds. */
async function moveToUsed(tx: Queryable, held: Held, amounts: Amounts): Promise<void> {
  await lockRows(tx, held, [...new Set([...held.amounts.keys(), ...amounts.keys()])])
  await addToRows(tx, held, columnOf(held), negated(held.amounts))
  await addToRows(tx, held, 'used', amounts)
}

const filtered = (amounts: Amounts, keep: (amount: bigint) => boolean) =>
  new Map([...amounts].filter(([, amount]) => keep(amount)))
const positive = (amounts: Amounts) => filtered(amounts, (amount) => amount > 0n)
const growing = positive
const shrinking = (amounts: Amounts) => filtered(amounts, (amount) => amount < 0n)
const negated = (amounts: Amounts) => new Map([...amounts].map(([resource, amount]) => [resource, -amount]))

function difference(to: Amounts, from: Amounts): Amounts {
  const result = new Map(to)
  for (const [resource, amount] of from) result.set(resource, (result.get(resource) ?? 0n) - amount)
  return result
}
