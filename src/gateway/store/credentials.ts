import { isUuid } from '../../lib/uuid.ts'
import type { CredentialRow, CredentialStore } from '../credentials/index.ts'
import type { CredentialSecrets } from '../tokens/index.ts'
import type { Database } from './database.ts'
import { fetchSize, toPage, within } from './listing.ts'
import { changed } from './revision.ts'

interface Row {
  id: string
  cursor: string
  node_id: string
  node: string
  tenant_id: string
  tenant: string
  kind: 'agent' | 'client'
  access: 'read-only' | 'edit'
  description: string
  revoked_at: Date | null
  last_used_at: Date | null
  created_at: Date
  revision: string
}

const SELECT = `
  select c.id, c.created_at::text || ' ' || c.id as cursor, c.node_id, n.name as node, c.tenant_id, t.name as tenant,
         c.kind, c.access, c.description, c.revoked_at, c.last_used_at, c.created_at, c.revision
    from credentials c join nodes n on n.id = c.node_id join tenants t on t.id = c.tenant_id`

const toCredential = (row: Row): CredentialRow => ({
  id: row.id,
  node: row.node,
  nodeId: row.node_id,
  tenant: row.tenant,
  tenantId: row.tenant_id,
  kind: row.kind,
  access: row.access,
  description: row.description,
  revoked: row.revoked_at !== null,
  revision: Number(row.revision),
  createdAt: row.created_at.toISOString(),
  lastUsedAt: row.last_used_at?.toISOString(),
})

export function postgresCredentials(database: Database): CredentialStore {
  return {
    async create(credential, scope) {
      const db = within(database, scope)
      // An agent's takes the first free slot of two; the unique index on the slots decides a race.
      const [made] = await db.query<{ id: string }>(
        `insert into credentials (node_id, tenant_id, kind, access, description, secret_hash, slot)
         select $1, $2, $3, $4, $5, $6, case when $3 = 'agent' then
                  coalesce((select min(s) from generate_series(1, 2) s where s not in
                    (select slot from credentials where node_id = $1 and kind = 'agent' and revoked_at is null)), 1) end
         returning id`,
        [
          credential.nodeId,
          credential.tenantId,
          credential.kind,
          credential.access,
          credential.description,
          credential.secretHash,
        ],
      )
      const [row] = await db.query<Row>(`${SELECT} where c.id = $1`, [made?.id])
      return toCredential(row as Row)
    },

    async get(id, scope) {
      if (!isUuid(id)) return undefined
      const rows = await within(database, scope).query<Row>(
        `${SELECT} where c.id = $1 and ($2::uuid is null or c.tenant_id = $2)`,
        [id, scope ?? null],
      )
      return rows.map(toCredential)[0]
    },

    async list(page, filter) {
      const rows = await within(database, filter.scope).query<Row>(
        `${SELECT}
          where ($1::text is null or c.created_at::text || ' ' || c.id > $1)
            and ($2::uuid is null or c.tenant_id = $2) and ($3::uuid is null or c.node_id = $3)
            and ($5::uuid is null or c.tenant_id = $5)
          order by c.created_at::text || ' ' || c.id limit $4`,
        [
          page.after ?? null,
          filter.tenantId ?? null,
          filter.nodeId ?? null,
          fetchSize(page),
          filter.scope ?? null,
        ],
      )
      return toPage(rows, page, toCredential)
    },

    async update(id, change, { revision, scope }) {
      const db = within(database, scope)
      // Who has it revoked has the last word: nothing of it changes any more.
      const rows = await db.query(
        `update credentials
            set description = coalesce($2, description), access = coalesce($3, access), revision = revision + 1
          where id = $1 and revoked_at is null
            and ($4::bigint is null or revision = $4) and ($5::uuid is null or tenant_id = $5)
          returning id`,
        [id, change.description ?? null, change.access ?? null, revision ?? null, scope ?? null],
      )
      changed(rows)
      const [row] = await db.query<Row>(`${SELECT} where c.id = $1`, [id])
      return toCredential(row as Row)
    },

    async revoke(id, scope) {
      if (!isUuid(id)) return false
      const rows = await within(database, scope).query(
        `update credentials set revoked_at = coalesce(revoked_at, now())
          where id = $1 and ($2::uuid is null or tenant_id = $2) returning id`,
        [id, scope ?? null],
      )
      return rows.length > 0
    },
  }
}

/** A credential's use is noted at most so often. */
const TOUCH_SECONDS = 60

export function postgresCredentialSecrets(database: Database): CredentialSecrets {
  return {
    async find(id) {
      const [row] = await database.query<{ secret_hash: Uint8Array; revoked: boolean }>(
        'select secret_hash, revoked_at is not null as revoked from credentials where id = $1',
        [id],
      )
      return row && { secretHash: row.secret_hash, revoked: row.revoked }
    },
    touch(id) {
      database
        .query(
          `update credentials set last_used_at = now()
            where id = $1 and (last_used_at is null or last_used_at < now() - make_interval(secs => $2))`,
          [id, TOUCH_SECONDS],
        )
        // Only for the operator's eyes; the token was issued, and the next use notes it again.
        .catch(() => {})
    },
  }
}
