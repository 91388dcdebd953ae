import { IsthmusError } from '../../protocol/errors/index.ts'
import { type Amounts, isCapacity, type ReservationRequest, shortage } from '../quota/index.ts'
import type { Database, Queryable } from './database.ts'
import { lockRows, openRows, toJson } from './ledger-rows.ts'
import { TAKE } from './ledger-statements.ts'

/** @throws quota_exceeded; unavailable when the node takes nothing new */
export function reserveAlone(
  database: Database,
  request: ReservationRequest,
  seconds: number,
): Promise<void> {
  const amounts = positive(request.amounts)
  return database.forTenant(request.tenantId, async (tx) => {
    if ((await insertReservations(tx, [request], seconds)) === 1) await take(tx, request, amounts, 'reserved')
    else await assertKnown(tx, request.id)
  })
}

/** Requests of one tenant and node: the sum fits or not. False where each has to be asked about by itself. */
export async function reserveTogether(
  database: Database,
  requests: readonly ReservationRequest[],
  seconds: number,
): Promise<boolean> {
  const [first] = requests
  if (first === undefined) return true
  const amounts = requests.reduce((all, one) => sum(all, positive(one.amounts)), new Map() as Amounts)
  let possible = true
  const backOut = () => {
    possible = false
    return new IsthmusError('quota_exceeded', 'not together') // rolls the transaction back; nobody is told
  }
  try {
    await database.forTenant(first.tenantId, async (tx) => {
      if ((await insertReservations(tx, requests, seconds)) < requests.length) throw backOut()
      if (amounts.size > 0 && !(await tryTake(tx, first, amounts, 'reserved'))) throw backOut()
    })
  } catch (error) {
    if (possible) throw error
  }
  return possible
}

/**
 * Of one tenant and node. Returns how many rows were made: none for an id that is known (the same reservation again),
 * and none at all when the node takes nothing new.
 */
async function insertReservations(
  tx: Queryable,
  requests: readonly ReservationRequest[],
  seconds: number,
): Promise<number> {
  const rows = await tx.query(
    `insert into reservations
       (id, tenant_id, node_id, cluster_id, namespace, physical_namespace, name, amounts, expires_at)
     select w.id, $1, n.id, w.cluster_id, w.namespace, w.physical_namespace, w.name, w.amounts,
            now() + make_interval(secs => $3)
       from nodes n join clusters c on c.id = n.cluster_id
      cross join unnest($4::uuid[], $5::uuid[], $6::text[], $7::text[], $8::text[], $9::jsonb[])
         as w (id, cluster_id, namespace, physical_namespace, name, amounts)
      where n.id = $2 and n.tenant_id = $1 and n.deleting is null and not c.maintenance
     on conflict (id) do nothing
     returning id`,
    [
      requests[0]?.tenantId,
      requests[0]?.nodeId,
      seconds,
      requests.map(({ id }) => id),
      requests.map(({ clusterId }) => clusterId),
      requests.map(({ namespace }) => namespace),
      requests.map(({ physicalNamespace }) => physicalNamespace),
      requests.map(({ name }) => name),
      requests.map(({ amounts }) => toJson(positive(amounts))),
    ],
    'ledger-reserve',
  )
  return rows.length
}

/** @throws unavailable when the id is not known, so that it was the node that takes nothing new */
async function assertKnown(tx: Queryable, id: string): Promise<void> {
  const known = await tx.query('select 1 from reservations where id = $1', [id])
  if (known.length > 0) return
  throw new IsthmusError(
    'unavailable',
    'The node is being removed or its data plane is in maintenance: no new objects.',
    { retryAfterSeconds: 30 },
  )
}

/** Takes the amounts, or throws and leaves the transaction to be rolled back. @throws quota_exceeded */
export async function take(
  tx: Queryable,
  owner: { tenantId: string; nodeId: string },
  amounts: Amounts,
  column: 'used' | 'reserved',
): Promise<void> {
  if (amounts.size === 0) return
  const resources = [...amounts.keys()]
  const fits = () => tryTake(tx, owner, amounts, column)
  if (await fits()) return
  // A resource may be new to a tenant whose quota lets others be unlimited.
  if ((await openRows(tx, owner.tenantId, resources)) && (await fits())) return
  const refusal = shortage(amounts, await lockRows(tx, owner, resources))
  // Nothing is short: another has opened the rows or freed room since. Nobody can change them now, so asking once more decides.
  if (refusal.details.causes?.length === 0 && (await fits())) return
  throw refusal
}

/** False when it does not fit, and then nothing is taken. */
async function tryTake(
  tx: Queryable,
  owner: { tenantId: string; nodeId: string },
  amounts: Amounts,
  column: 'used' | 'reserved',
): Promise<boolean> {
  const resources = [...amounts.keys()]
  const values = [
    owner.tenantId,
    owner.nodeId,
    resources,
    [...amounts.values()].map(String),
    resources.filter(isCapacity),
    column === 'used',
  ]
  return (await tx.query(TAKE, values, 'ledger-take')).length > 0
}

export const positive = (amounts: Amounts): Amounts =>
  new Map([...amounts].filter(([, amount]) => amount > 0n))

export function sum(a: Amounts, b: Amounts): Amounts {
  const result = new Map(a)
  for (const [resource, amount] of b) result.set(resource, (result.get(resource) ?? 0n) + amount)
  return result
}
