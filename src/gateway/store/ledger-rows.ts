import type { Amounts, LedgerRow } from '../quota/index.ts'
import type { Queryable } from './database.ts'

export type { LedgerRow } from '../quota/index.ts'

interface Owner {
  tenantId: string
  nodeId: string
}

interface Row {
  owner_kind: 'tenant' | 'node'
  resource: string
  hard: string | null
  unlimited: boolean
  used: string
  reserved: string
}

/** Locks the tenant's and the node's rows of these resources, always in the order of the primary key (no deadlock). */
export async function lockRows(
  tx: Queryable,
  owner: Owner,
  resources: readonly string[],
): Promise<LedgerRow[]> {
  const rows = await tx.query<Row>(
    `select owner_kind, resource, hard, unlimited, used, reserved
       from ledger
      where ((owner_kind = 'tenant' and owner_id = $1) or (owner_kind = 'node' and owner_id = $2))
        and resource = any($3::text[])
      order by owner_kind, owner_id, resource
        for update`,
    [owner.tenantId, owner.nodeId, resources],
  )
  return rows.map((row) => ({
    ownerKind: row.owner_kind,
    resource: row.resource,
    hard: row.unlimited ? 'unlimited' : row.hard === null ? undefined : BigInt(row.hard),
    used: BigInt(row.used),
    reserved: BigInt(row.reserved),
  }))
}

/** Makes unlimited rows for resources that no hard limit names, if the tenant's quota says so. */
export async function openRows(
  tx: Queryable,
  tenantId: string,
  resources: readonly string[],
): Promise<boolean> {
  const rows = await tx.query(
    `insert into ledger (owner_kind, owner_id, tenant_id, resource, unlimited, implied)
     select 'tenant', t.id, t.id, r, true, true
       from tenants t, unnest($2::text[]) as r
      where t.id = $1 and t.quota_others = 'unlimited'
      order by r
     on conflict do nothing
     returning resource`,
    [tenantId, resources],
  )
  return rows.length > 0
}

/** Adds signed amounts to rows that are locked already; a resource without a row is nobody's to count. */
export async function addToRows(
  tx: Queryable,
  owner: Owner,
  column: 'used' | 'reserved',
  amounts: Amounts,
): Promise<void> {
  if (amounts.size === 0) return
  await tx.query(
    `update ledger l
        set used = case when $5 then greatest(l.used + w.amount, 0) else l.used end,
            reserved = case when $5 then l.reserved else greatest(l.reserved + w.amount, 0) end
       from unnest($3::text[], $4::numeric[]) as w (resource, amount)
      where l.resource = w.resource
        and ((l.owner_kind = 'tenant' and l.owner_id = $1) or (l.owner_kind = 'node' and l.owner_id = $2))`,
    [owner.tenantId, owner.nodeId, [...amounts.keys()], [...amounts.values()].map(String), column === 'used'],
  )
}

export function toJson(amounts: Amounts): string {
  return JSON.stringify(
    Object.fromEntries([...amounts].map(([resource, amount]) => [resource, String(amount)])),
  )
}

export function toMap(amounts: Record<string, string>): Amounts {
  return new Map(Object.entries(amounts).map(([resource, amount]) => [resource, BigInt(amount)]))
}
