import type { Amounts, ReconciliationStore } from '../quota/index.ts'
import type { Database } from './database.ts'
import { addToRows, lockRows, toJson, toMap } from './ledger-rows.ts'
import { deleteNodeRow } from './removal.ts'

export function postgresReconciliation(database: Database): ReconciliationStore {
  return {
    async openLocks(onLost) {
      const client = await database.connect()
      client.once('end', onLost)
      return {
        async tryLock(clusterId) {
          // Held by the connection until it ends; asking again for one's own counts up, which does no harm.
          const { rows } = await client.query('select pg_try_advisory_lock(hashtextextended($1, 2)) as got', [
            clusterId,
          ])
          return rows[0]?.got === true
        },
        async close() {
          client.removeListener('end', onLost)
          await client.end()
        },
      }
    },

    async reservations(clusterId) {
      const rows = await database.query<{
        id: string
        physical_namespace: string
        name: string
        state: 'reserved' | 'committed'
        amounts: Record<string, string>
        age: string
        expired: boolean
        version: string
      }>(
        `select id, physical_namespace, name, state, amounts,
                extract(epoch from now() - created_at) as age, expires_at < now() as expired,
                xmin::text as version
           from reservations where cluster_id = $1`,
        [clusterId],
      )
      return rows.map((row) => ({
        id: row.id,
        physicalNamespace: row.physical_namespace,
        name: row.name,
        state: row.state,
        amounts: toMap(row.amounts),
        ageMs: Number(row.age) * 1000,
        expired: row.expired,
        version: row.version,
      }))
    },

    correct: ({ id, version }, { uid, amounts }) =>
      database.transaction(async (tx) => {
        // A growth that was charged since, and the way back from one, are newer than what was compared.
        const [held] = await tx.query<{
          tenant_id: string
          node_id: string
          state: 'reserved' | 'committed'
          amounts: Record<string, string>
        }>(
          `select tenant_id, node_id, state, amounts from reservations
            where id = $1 and xmin::text = $2 for update`,
          [id, version],
        )
        if (!held) return false
        await tx.query(
          `update reservations set state = 'committed', uid = $2, amounts = $3::jsonb where id = $1`,
          [id, uid, toJson(amounts)],
        )
        const owner = { tenantId: held.tenant_id, nodeId: held.node_id }
        const before = toMap(held.amounts)
        await lockRows(tx, owner, [...new Set([...before.keys(), ...amounts.keys()])])
        await addToRows(tx, owner, held.state === 'committed' ? 'used' : 'reserved', negative(before))
        await addToRows(tx, owner, 'used', amounts)
        return true
      }),

    adopt: (pod) =>
      database.transaction(async (tx) => {
        const [made] = await tx.query<{ tenant_id: string; node_id: string }>(
          `insert into reservations (id, tenant_id, node_id, cluster_id, namespace, physical_namespace, name, state,
                                     uid, amounts, expires_at)
           select $1, s.tenant_id, s.node_id, n.cluster_id, s.name, s.physical_name, $3, 'committed', $4, $5::jsonb, now()
             from namespaces s join nodes n on n.id = s.node_id where s.physical_name = $2
           on conflict (id) do nothing
           returning tenant_id, node_id`,
          [pod.id, pod.physicalNamespace, pod.name, pod.uid, toJson(pod.amounts)],
        )
        if (!made) return
        const owner = { tenantId: made.tenant_id, nodeId: made.node_id }
        await lockRows(tx, owner, [...pod.amounts.keys()])
        await addToRows(tx, owner, 'used', pod.amounts)
      }),

    repairSums: (clusterId) =>
      database.transaction(async (tx) => {
        // Locked in the ledger's order first: the sums below are read after, so that nobody is between the two.
        await tx.query(
          `select 1 from ledger
            where (owner_kind = 'node' and owner_id in (select id from nodes where cluster_id = $1))
               or (owner_kind = 'tenant' and owner_id in (select tenant_id from nodes where cluster_id = $1))
            order by owner_kind, owner_id, resource for update`,
          [clusterId],
        )
        const rows = await tx.query(
          `with held as (
             select r.tenant_id, r.node_id, a.key as resource,
                    case when r.state = 'committed' then a.value::numeric else 0 end as used,
                    case when r.state = 'reserved' then a.value::numeric else 0 end as reserved
               from reservations r, jsonb_each_text(r.amounts) a
              where r.tenant_id in (select tenant_id from nodes where cluster_id = $1)),
           owed as (
             select 'tenant' as owner_kind, tenant_id as owner_id, resource, sum(used) as used, sum(reserved) as reserved
               from held group by tenant_id, resource
             union all
             select 'node', node_id, resource, sum(used), sum(reserved) from held group by node_id, resource)
           update ledger l
              set used = coalesce(o.used, 0), reserved = coalesce(o.reserved, 0)
             from ledger x left join owed o
               on o.owner_kind = x.owner_kind and o.owner_id = x.owner_id and o.resource = x.resource
            where l.owner_kind = x.owner_kind and l.owner_id = x.owner_id and l.resource = x.resource
              and ((x.owner_kind = 'node' and x.owner_id in (select id from nodes where cluster_id = $1))
                or (x.owner_kind = 'tenant' and x.owner_id in (select tenant_id from nodes where cluster_id = $1)))
              and (l.used <> coalesce(o.used, 0) or l.reserved <> coalesce(o.reserved, 0))
            returning l.resource`,
          [clusterId],
        )
        return rows.length
      }),

    async removals(clusterId) {
      return database.query(
        `select n.id as "nodeId", n.deleting as mode,
                (select count(*)::int from reservations r where r.node_id = n.id) as reservations,
                coalesce((select array_agg(s.physical_name) from namespaces s where s.node_id = n.id), '{}')
                  as "physicalNamespaces"
           from nodes n where n.cluster_id = $1 and n.deleting is not null`,
        [clusterId],
      )
    },

    async leftovers(clusterId) {
      const rows = await database.query<{ physical_name: string }>(
        'select physical_name from leftovers where cluster_id = $1 order by physical_name',
        [clusterId],
      )
      return rows.map((row) => row.physical_name)
    },

    async forgetLeftover(physicalName) {
      await database.query('delete from leftovers where physical_name = $1', [physicalName])
    },

    finishRemovals: () =>
      database.transaction(async (tx) => {
        const nodes = await tx.query<{ id: string }>(
          `select n.id from nodes n
            where n.deleting is not null
              and not exists (select 1 from namespaces s where s.node_id = n.id)
              and not exists (select 1 from reservations r where r.node_id = n.id)
            order by n.id for update skip locked`,
        )
        for (const node of nodes) await deleteNodeRow(tx, node.id)
        await tx.query(
          'delete from tenants t where t.deleting and not exists (select 1 from nodes n where n.tenant_id = t.id)',
        )
        await tx.query(
          'delete from clusters c where c.deleting and not exists (select 1 from nodes n where n.cluster_id = c.id)',
        )
      }),
  }
}

const negative = (amounts: Amounts): Amounts =>
  new Map([...amounts].map(([resource, amount]) => [resource, -amount]))
