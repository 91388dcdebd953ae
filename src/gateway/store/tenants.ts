import { isUuid } from '../../lib/uuid.ts'
import type { Scope, TenantRow, TenantStore } from '../tenants/index.ts'
import type { Database, Queryable } from './database.ts'
import { writeHard } from './hard-limits.ts'
import { fetchSize, toPage, within } from './listing.ts'
import { markNodes, refuseWhileCarrying, removal } from './removal.ts'
import { changed } from './revision.ts'

interface Row {
  id: string
  name: string
  cursor: string
  display_name: string
  suspended: boolean
  quota_others: 'refuse' | 'unlimited'
  revision: string
  created_at: Date
  updated_at: Date
}

const COLUMNS = `id, name, name as cursor, display_name, suspended, quota_others, revision, created_at, updated_at`

const toTenant = (row: Row): TenantRow => ({
  revision: Number(row.revision),
  value: {
    id: row.id,
    name: row.name,
    displayName: row.display_name,
    suspended: row.suspended,
    otherResources: row.quota_others,
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
  },
})

export function postgresTenants(database: Database): TenantStore {
  async function find(db: Queryable, reference: string, scope: Scope): Promise<TenantRow | undefined> {
    const column = isUuid(reference) ? 'id' : 'name'
    const rows = await db.query<Row>(
      `select ${COLUMNS} from tenants where ${column} = $1 and ($2::uuid is null or id = $2)`,
      [reference, scope ?? null],
    )
    return rows.map(toTenant)[0]
  }

  return {
    create: (tenant) =>
      database.transaction(async (tx) => {
        const [row] = await tx.query<Row>(
          `insert into tenants (name, display_name, quota_others) values ($1, $2, $3) returning ${COLUMNS}`,
          [tenant.name, tenant.displayName, tenant.otherResources],
        )
        const made = toTenant(row as Row)
        await writeHard(tx, { kind: 'tenant', id: made.value.id, tenantId: made.value.id }, tenant.hard)
        return made
      }),

    get: (reference, scope) => find(within(database, scope), reference, scope),

    async list(page, scope) {
      const rows = await within(database, scope).query<Row>(
        `select ${COLUMNS} from tenants
          where ($1::text is null or name > $1) and ($3::uuid is null or id = $3)
          order by name limit $2`,
        [page.after ?? null, fetchSize(page), scope ?? null],
      )
      return toPage(rows, page, (row) => toTenant(row).value)
    },

    update: (id, change, revision) =>
      database.transaction(async (tx) => {
        const rows = await tx.query<Row>(
          `update tenants
              set display_name = coalesce($2, display_name), suspended = coalesce($3, suspended),
                  quota_others = coalesce($4, quota_others), revision = revision + 1, updated_at = now()
            where id = $1 and ($5::bigint is null or revision = $5)
            returning ${COLUMNS}`,
          [
            id,
            change.displayName ?? null,
            change.suspended ?? null,
            change.otherResources ?? null,
            revision ?? null,
          ],
        )
        // Rows without a limit of their own follow what the quota says of the others.
        if (change.otherResources !== undefined) {
          await tx.query(
            `update ledger set unlimited = $2 where owner_kind = 'tenant' and owner_id = $1 and implied`,
            [id, change.otherResources === 'unlimited'],
          )
        }
        return toTenant(changed(rows))
      }),

    remove: (id, mode, away) =>
      database.transaction(async (tx) => {
        // Locked first, so that no node is made for it meanwhile (nodes refer to it by a foreign key).
        const rows = await tx.query('select 1 from tenants where id = $1 for update', [id])
        if (rows.length === 0) return { state: 'removed', left: [] }
        await refuseWhileCarrying(tx, 'tenant_id', id, mode)
        const nodes = await markNodes(tx, 'tenant_id', id, mode, away)
        if (nodes.marked === 0) {
          await tx.query('delete from tenants where id = $1', [id])
          return removal(nodes)
        }
        await tx.query('update tenants set deleting = true, revision = revision + 1 where id = $1', [id])
        return removal(nodes)
      }),
  }
}
