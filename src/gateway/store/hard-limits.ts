import type { Queryable } from './database.ts'

export interface LedgerOwner {
  kind: 'tenant' | 'node'
  id: string
  tenantId: string
}

type Limits = ReadonlyMap<string, bigint | 'unlimited' | null>

/**
 * Sets the limits of these resources; null takes one away. Rows are locked in the ledger's order. A row that is
 * in use stays without a limit, which admits nothing new (or everything, where the tenant's quota says so).
 */
export async function writeHard(tx: Queryable, owner: LedgerOwner, hard: Limits): Promise<void> {
  if (hard.size === 0) return
  const resources = [...hard.keys()].sort()
  await tx.query(
    `select 1 from ledger where owner_kind = $1 and owner_id = $2 and resource = any($3::text[])
      order by owner_kind, owner_id, resource for update`,
    [owner.kind, owner.id, resources],
  )
  const given = resources.filter((resource) => hard.get(resource) !== null)
  await tx.query(
    `insert into ledger (owner_kind, owner_id, tenant_id, resource, hard, unlimited)
     select $1, $2, $3, w.resource, w.hard, w.hard is null
       from unnest($4::text[], $5::numeric[]) as w (resource, hard)
      order by w.resource
     on conflict (owner_kind, owner_id, resource)
     do update set hard = excluded.hard, unlimited = excluded.unlimited, implied = false`,
    [owner.kind, owner.id, owner.tenantId, given, given.map((resource) => amountOf(hard.get(resource)))],
  )
  const taken = resources.filter((resource) => hard.get(resource) === null)
  await tx.query(
    `update ledger l
        set hard = null, implied = true,
            unlimited = $1 = 'tenant' and exists
              (select 1 from tenants t where t.id = l.tenant_id and t.quota_others = 'unlimited')
      where owner_kind = $1 and owner_id = $2 and resource = any($3::text[])`,
    [owner.kind, owner.id, taken],
  )
  await tx.query(
    `delete from ledger
      where owner_kind = $1 and owner_id = $2 and resource = any($3::text[]) and used = 0 and reserved = 0`,
    [owner.kind, owner.id, taken],
  )
}

/** As `writeHard`, and every other limit of the owner is taken away. */
export async function replaceHard(tx: Queryable, owner: LedgerOwner, hard: Limits): Promise<void> {
  const rows = await tx.query<{ resource: string }>(
    'select resource from ledger where owner_kind = $1 and owner_id = $2 and not implied',
    [owner.kind, owner.id],
  )
  const all = new Map<string, bigint | 'unlimited' | null>(rows.map((row) => [row.resource, null]))
  for (const [resource, limit] of hard) all.set(resource, limit)
  await writeHard(tx, owner, all)
}

const amountOf = (limit: bigint | 'unlimited' | null | undefined) =>
  typeof limit === 'bigint' ? String(limit) : null
