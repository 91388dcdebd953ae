import type { LedgerRow, QuotaStore } from '../quota/index.ts'
import type { Database } from './database.ts'
import { replaceHard, writeHard } from './hard-limits.ts'
import { fetchSize, toPage, within } from './listing.ts'
import { changed } from './revision.ts'

interface Row {
  cursor: string
  tenant: string
  owner_kind: 'tenant' | 'node'
  resource: string
  hard: string | null
  unlimited: boolean
  used: string
  reserved: string
}

const toRow = (row: Omit<Row, 'cursor' | 'tenant'>): LedgerRow => ({
  ownerKind: row.owner_kind,
  resource: row.resource,
  hard: row.unlimited ? 'unlimited' : row.hard === null ? undefined : BigInt(row.hard),
  used: BigInt(row.used),
  reserved: BigInt(row.reserved),
})

export function postgresQuotaAdmin(database: Database): QuotaStore {
  return {
    async get(tenantId) {
      const [tenant] = await database.query<{ revision: string }>(
        'select revision from tenants where id = $1',
        [tenantId],
      )
      if (!tenant) return undefined
      const rows = await database.query<Row>(
        `select owner_kind, resource, hard, unlimited, used, reserved from ledger
          where owner_kind = 'tenant' and owner_id = $1 order by resource`,
        [tenantId],
      )
      return { rows: rows.map(toRow), revision: Number(tenant.revision) }
    },

    set: (tenantId, hard, { replace, revision }) =>
      database.transaction(async (tx) => {
        const rows = await tx.query(
          `update tenants set revision = revision + 1, updated_at = now()
            where id = $1 and ($2::bigint is null or revision = $2) returning id`,
          [tenantId, revision ?? null],
        )
        changed(rows)
        const owner = { kind: 'tenant' as const, id: tenantId, tenantId }
        await (replace ? replaceHard(tx, owner, hard) : writeHard(tx, owner, hard))
      }),

    async usage(page, filter) {
      const rows = await within(database, filter.scope).query<Row>(
        `select t.name || '/' || l.resource as cursor, t.name as tenant, l.owner_kind, l.resource, l.hard, l.unlimited,
                l.used, l.reserved
           from ledger l join tenants t on t.id = l.owner_id
          where l.owner_kind = 'tenant' and ($1::text is null or t.name || '/' || l.resource > $1)
            and ($2::uuid is null or l.owner_id = $2) and ($4::uuid is null or l.owner_id = $4)
          order by t.name || '/' || l.resource limit $3`,
        [page.after ?? null, filter.tenantId ?? null, fetchSize(page), filter.scope ?? null],
      )
      return toPage(rows, page, (row) => ({ tenant: row.tenant, row: toRow(row) }))
    },

    ofNode: (tenantId, nodeId) =>
      database.forTenant(tenantId, async (tx) => {
        const rows = await tx.query<Row>(
          `select owner_kind, resource, hard, unlimited, used, reserved from ledger
            where (owner_kind = 'tenant' and owner_id = $1) or (owner_kind = 'node' and owner_id = $2)
            order by owner_kind, resource`,
          [tenantId, nodeId],
        )
        return rows.map(toRow)
      }),
  }
}
