import { isUuid } from '../../lib/uuid.ts'
import { IsthmusError } from '../../protocol/errors/index.ts'
import type { NodeRow, NodeStore } from '../nodes/index.ts'
import type { Scope } from '../tenants/index.ts'
import type { Database, Queryable } from './database.ts'
import { replaceHard } from './hard-limits.ts'
import { fetchSize, toPage, within } from './listing.ts'
import { markNodes, refuseWhileCarrying, removal } from './removal.ts'
import { changed } from './revision.ts'

interface Row {
  id: string
  cursor: string
  name: string
  tenant_id: string
  tenant: string
  cluster_id: string
  cluster: string
  deleting: string | null
  connected: boolean
  revision: string
  created_at: Date
  updated_at: Date
  capacity: { resource: string; hard: string | null; unlimited: boolean; used: string; reserved: string }[]
}

const SELECT = `
  select n.id, t.name || '/' || n.name as cursor, n.name, n.tenant_id, t.name as tenant, n.cluster_id,
         c.name as cluster, n.deleting, n.revision, n.created_at, n.updated_at,
         exists (select 1 from writer_leases w where w.node_id = n.id and w.expires_at > now()) as connected,
         coalesce((select jsonb_agg(jsonb_build_object('resource', l.resource, 'hard', l.hard::text,
                     'unlimited', l.unlimited, 'used', l.used::text, 'reserved', l.reserved::text) order by l.resource)
                     from ledger l where l.owner_kind = 'node' and l.owner_id = n.id), '[]') as capacity
    from nodes n join tenants t on t.id = n.tenant_id join clusters c on c.id = n.cluster_id`

const toNode = (row: Row): NodeRow => ({
  revision: Number(row.revision),
  tenantId: row.tenant_id,
  clusterId: row.cluster_id,
  capacity: row.capacity.map(({ resource, hard, unlimited, used, reserved }) => ({
    ownerKind: 'node',
    resource,
    hard: unlimited ? 'unlimited' : hard === null ? undefined : BigInt(hard),
    used: BigInt(used),
    reserved: BigInt(reserved),
  })),
  value: {
    id: row.id,
    name: row.name,
    tenant: row.tenant,
    cluster: row.cluster,
    draining: row.deleting !== null,
    connected: row.connected,
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
  },
})

export function postgresNodes(database: Database): NodeStore {
  async function find(db: Queryable, reference: string, scope?: Scope): Promise<NodeRow | undefined> {
    const [tenant, name] = reference.split('/', 2)
    const rows = isUuid(reference)
      ? await db.query<Row>(`${SELECT} where n.id = $1 and ($2::uuid is null or n.tenant_id = $2)`, [
          reference,
          scope ?? null,
        ])
      : await db.query<Row>(
          `${SELECT} where t.name = $1 and n.name = $2 and ($3::uuid is null or n.tenant_id = $3)`,
          [tenant, name ?? '', scope ?? null],
        )
    return rows.map(toNode)[0]
  }

  return {
    create: (node) =>
      database.transaction(async (tx) => {
        const rows = await tx.query<{ id: string }>(
          `insert into nodes (name, tenant_id, cluster_id, capacity)
           select $1, t.id, c.id, $4::jsonb from tenants t, clusters c
            where t.id = $2 and c.id = $3 and not t.deleting and not c.deleting
           returning id`,
          [node.name, node.tenantId, node.clusterId, JSON.stringify(node.capacity)],
        )
        const id = rows[0]?.id
        if (!id) throw new IsthmusError('conflict', 'The tenant or the cluster is being removed.')
        await replaceHard(tx, { kind: 'node', id, tenantId: node.tenantId }, node.hard)
        return (await find(tx, id)) as NodeRow
      }),

    get: (reference, scope) => find(within(database, scope), reference, scope),

    async list(page, filter) {
      const rows = await within(database, filter.scope).query<Row>(
        `${SELECT}
          where ($1::text is null or t.name || '/' || n.name > $1)
            and ($2::uuid is null or n.tenant_id = $2) and ($3::uuid is null or n.cluster_id = $3)
            and ($5::uuid is null or n.tenant_id = $5)
          order by t.name || '/' || n.name limit $4`,
        [
          page.after ?? null,
          filter.tenantId ?? null,
          filter.clusterId ?? null,
          fetchSize(page),
          filter.scope ?? null,
        ],
      )
      return toPage(rows, page, toNode)
    },

    setCapacity: (id, capacity, hard, revision) =>
      database.transaction(async (tx) => {
        const rows = await tx.query<{ tenant_id: string }>(
          `update nodes set capacity = $2::jsonb, revision = revision + 1, updated_at = now()
            where id = $1 and ($3::bigint is null or revision = $3)
            returning tenant_id`,
          [id, JSON.stringify(capacity), revision ?? null],
        )
        await replaceHard(tx, { kind: 'node', id, tenantId: changed(rows).tenant_id }, hard)
        return (await find(tx, id)) as NodeRow
      }),

    remove: (id, mode, away) =>
      database.transaction(async (tx) => {
        await refuseWhileCarrying(tx, 'id', id, mode)
        return removal(await markNodes(tx, 'id', id, mode, away))
      }),
  }
}
