import { isUuid } from '../../lib/uuid.ts'
import { IsthmusError } from '../../protocol/errors/index.ts'
import type { ClusterRow, ClusterStore } from '../clusters/index.ts'
import type { Database } from './database.ts'
import { fetchSize, toPage } from './listing.ts'
import { markNodes, refuseWhileCarrying, removal } from './removal.ts'
import { changed } from './revision.ts'

interface Row {
  id: string
  name: string
  cursor: string
  server: string
  ca: string | null
  tls_server_name: string | null
  network: 'flat' | 'isolated'
  maintenance: boolean
  kubernetes_version: string
  revision: string
  created_at: Date
  updated_at: Date
}

const COLUMNS = `id, name, name as cursor, server, ca, tls_server_name, network, maintenance, kubernetes_version,
  revision, created_at, updated_at`

const toCluster = (row: Row): ClusterRow => ({
  revision: Number(row.revision),
  ca: row.ca ?? undefined,
  tlsServerName: row.tls_server_name ?? undefined,
  value: {
    id: row.id,
    name: row.name,
    server: row.server,
    network: row.network,
    maintenance: row.maintenance,
    kubernetesVersion: row.kubernetes_version,
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
  },
})

export function postgresClusters(database: Database): ClusterStore {
  return {
    async create(id, cluster) {
      const rows = await database.query<Row>(
        `insert into clusters (id, name, server, ca, tls_server_name, network, kubernetes_version, sealed_credential)
         values ($1, $2, $3, $4, $5, $6, $7, $8) returning ${COLUMNS}`,
        [
          id,
          cluster.name,
          cluster.server,
          cluster.ca ?? null,
          cluster.tlsServerName ?? null,
          cluster.network,
          cluster.kubernetesVersion,
          cluster.sealedCredential,
        ],
      )
      return toCluster(rows[0] as Row)
    },

    async get(reference) {
      const column = isUuid(reference) ? 'id' : 'name'
      const rows = await database.query<Row>(`select ${COLUMNS} from clusters where ${column} = $1`, [
        reference,
      ])
      return rows.map(toCluster)[0]
    },

    async list(page) {
      const rows = await database.query<Row>(
        `select ${COLUMNS} from clusters where ($1::text is null or name > $1) order by name limit $2`,
        [page.after ?? null, fetchSize(page)],
      )
      return toPage(rows, page, toCluster)
    },

    async update(id, change, revision) {
      const rows = await database.query<Row>(
        `update clusters
            set network = coalesce($2, network), maintenance = coalesce($3, maintenance),
                server = coalesce($4, server), ca = case when $4 is null then ca else $5 end,
                tls_server_name = case when $4 is null then tls_server_name else $6 end,
                kubernetes_version = coalesce($7, kubernetes_version),
                sealed_credential = coalesce($8, sealed_credential),
                revision = revision + 1, updated_at = now()
          where id = $1 and ($9::bigint is null or revision = $9)
          returning ${COLUMNS}`,
        [
          id,
          change.network ?? null,
          change.maintenance ?? null,
          change.server ?? null,
          change.ca ?? null,
          change.tlsServerName ?? null,
          change.kubernetesVersion ?? null,
          change.sealedCredential ?? null,
          revision ?? null,
        ],
      )
      return toCluster(changed(rows))
    },

    remove: (id, mode, away) =>
      database.transaction(async (tx) => {
        const rows = await tx.query('select 1 from clusters where id = $1 for update', [id])
        if (rows.length === 0) return { state: 'removed', left: [] }
        await refuseWhileCarrying(tx, 'cluster_id', id, mode)
        const bound = await tx.query('select 1 from nodes where cluster_id = $1 limit 1', [id])
        if (bound.length > 0 && mode === undefined) {
          throw new IsthmusError(
            'in_use',
            'Nodes are bound to it: delete them, or delete with mode=drain or mode=force.',
          )
        }
        const nodes = await markNodes(tx, 'cluster_id', id, mode, away)
        if (nodes.marked === 0) {
          await tx.query('delete from clusters where id = $1', [id])
          return removal(nodes)
        }
        await tx.query('update clusters set deleting = true, revision = revision + 1 where id = $1', [id])
        return removal(nodes)
      }),
  }
}
