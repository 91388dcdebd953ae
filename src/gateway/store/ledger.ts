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

/** Until the object must be seen in the data plane; later a GET decides (reconciler). */
const RESERVATION_SECONDS = 120

/**
 * The quota ledger. Lock order, the same everywhere: first the reservation's row, then the ledger's rows by
 * (owner_kind, owner_id, resource). Commit and release are one statement and one round trip each; they act on an id
 * that the gateway drew, so that there is no tenant's word in them to be confined.
 */
export function postgresLedger(database: Database): QuotaLedger {
  return {
    async reserve(request) {
      const amounts = positive(request.amounts)
      await database.forTenant(request.tenantId, async (tx) => {
        if (await insertReservation(tx, request, amounts)) await take(tx, request, amounts, 'reserved')
      })
    },

    commit: (id, object) =>
      again(() =>
        database.query(COMMIT, [id, object.uid, toJson(positive(object.amounts))], 'ledger-commit'),
      ),

    release: (id) => again(() => database.query(RELEASE, [id], 'ledger-release')),

    adjust: (id, wanted) =>
      database.transaction(async (tx) => {
        // Waits for whoever changes the same reservation; gone means that it was released.
        const [row] = await tx.query<{
          tenant_id: string
          node_id: string
          state: string
          amounts: Record<string, string>
        }>('select tenant_id, node_id, state, amounts from reservations where id = $1 for update', [id])
        if (!row) return
        const owner = { tenantId: row.tenant_id, nodeId: row.node_id }
        const column = row.state === 'committed' ? 'used' : 'reserved'
        const amounts = positive(wanted)
        const growth = difference(amounts, toMap(row.amounts))
        const shrinking = new Map([...growth].filter(([, amount]) => amount < 0n))
        await take(tx, owner, positive(growth), column)
        await lockRows(tx, owner, [...shrinking.keys()])
        await addToRows(tx, owner, column, shrinking)
        await tx.query('update reservations set amounts = $2::jsonb where id = $1', [id, toJson(amounts)])
      }),
  }
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
  throw shortage(amounts, await lockRows(tx, owner, resources))
}

const positive = (amounts: Amounts) => new Map([...amounts].filter(([, amount]) => amount > 0n))

function difference(to: Amounts, from: Amounts): Amounts {
  const result = new Map(to)
  for (const [resource, amount] of from) result.set(resource, (result.get(resource) ?? 0n) - amount)
  return result
}
