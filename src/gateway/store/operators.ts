import { isUuid } from '../../lib/uuid.ts'
import { IsthmusError } from '../../protocol/errors/index.ts'
import type { Operator } from '../../protocol/schemas/operator.ts'
import type { OperatorPrincipal, OperatorStore } from '../operators/index.ts'
import type { Database, Queryable } from './database.ts'
import { fetchSize, toPage } from './listing.ts'
import { changed } from './revision.ts'

/** Any constant of our own: two first operators at once are one. */
const BOOTSTRAP_LOCK = 0x1577_6f70

interface Row {
  id: string
  name: string
  cursor: string
  role: OperatorPrincipal['role']
  tenant: string | null
  expires_at: Date | null
  created_at: Date
  updated_at: Date
  revision: string
}

const SELECT = `
  select o.id, o.name, o.name as cursor, o.role, t.name as tenant, o.expires_at, o.created_at, o.updated_at, o.revision
    from operators o left join tenants t on t.id = o.tenant_id`

const toOperator = (row: Row): Operator => ({
  id: row.id,
  name: row.name,
  role: row.role,
  tenant: row.tenant ?? undefined,
  expiresAt: row.expires_at?.toISOString(),
  createdAt: row.created_at.toISOString(),
  updatedAt: row.updated_at.toISOString(),
})

const versioned = (row: Row) => ({ value: toOperator(row), revision: Number(row.revision) })

/** All admins are locked in order, so that two changes do not each leave the other's. @throws in_use */
async function keepAnAdmin(
  tx: Queryable,
  id: string,
  next: OperatorPrincipal['role'] | undefined,
): Promise<void> {
  const admins = await tx.query<{ id: string }>(
    `select id from operators where role = 'admin' and (expires_at is null or expires_at > now())
      order by id for update`,
  )
  if (next !== 'admin' && admins.length === 1 && admins[0]?.id === id) {
    throw new IsthmusError('in_use', 'It is the last admin: nobody could make another.')
  }
}

export function postgresOperators(database: Database): OperatorStore {
  async function insert(tx: Queryable, operator: Parameters<OperatorStore['create']>[0]): Promise<Operator> {
    const [made] = await tx.query<{ id: string }>(
      `insert into operators (name, role, tenant_id, token_hash, expires_at)
       values ($1, $2, $3, $4, now() + make_interval(secs => $5)) returning id`,
      [
        operator.name,
        operator.role,
        operator.tenantId ?? null,
        operator.tokenHash,
        operator.expiresInSeconds ?? null,
      ],
    )
    const [row] = await tx.query<Row>(`${SELECT} where o.id = $1`, [made?.id])
    return toOperator(row as Row)
  }

  return {
    async byTokenHash(hash) {
      const [row] = await database.query<OperatorPrincipal & { tenantId: string | null }>(
        `select id, name, role, tenant_id as "tenantId" from operators
          where token_hash = $1 and (expires_at is null or expires_at > now())`,
        [hash],
      )
      return row && { ...row, tenantId: row.tenantId ?? undefined }
    },

    create: (operator) => database.transaction((tx) => insert(tx, operator)),

    createFirst: (name, tokenHash) =>
      database.transaction(async (tx) => {
        await tx.query('select pg_advisory_xact_lock($1)', [BOOTSTRAP_LOCK])
        const any = await tx.query('select 1 from operators limit 1')
        if (any.length > 0) return undefined
        return insert(tx, {
          name,
          role: 'admin',
          tenantId: undefined,
          tokenHash,
          expiresInSeconds: undefined,
        })
      }),

    async get(reference) {
      const column = isUuid(reference) ? 'o.id' : 'o.name'
      const rows = await database.query<Row>(`${SELECT} where ${column} = $1`, [reference])
      return rows.map(versioned)[0]
    },

    update: (id, change, revision) =>
      database.transaction(async (tx) => {
        if (change.role !== undefined || change.expiresInSeconds)
          await keepAnAdmin(tx, id, change.expiresInSeconds ? undefined : change.role)
        const { name, role, tenantId, expiresInSeconds } = change
        const rows = await tx.query(
          `update operators
              set name = coalesce($2, name), role = coalesce($3, role), tenant_id = $4,
                  expires_at = case when $5 then now() + make_interval(secs => $6) else expires_at end,
                  revision = revision + 1, updated_at = now()
            where id = $1 and ($7::bigint is null or revision = $7) returning id`,
          [
            id,
            name ?? null,
            role ?? null,
            tenantId ?? null,
            expiresInSeconds !== undefined,
            expiresInSeconds ?? null,
            revision ?? null,
          ],
        )
        changed(rows)
        const [row] = await tx.query<Row>(`${SELECT} where o.id = $1`, [id])
        return versioned(row as Row)
      }),

    async list(page) {
      const rows = await database.query<Row>(
        `${SELECT} where ($1::text is null or o.name > $1) order by o.name limit $2`,
        [page.after ?? null, fetchSize(page)],
      )
      return toPage(rows, page, toOperator)
    },

    remove: (id) =>
      database.transaction(async (tx) => {
        await keepAnAdmin(tx, id, undefined)
        return (await tx.query('delete from operators where id = $1 returning id', [id])).length > 0
      }),
  }
}
