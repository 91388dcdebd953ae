import type {
  ClusterRecord,
  CredentialRecord,
  NamespaceRecord,
  NodeRecord,
  TenantRecord,
} from '../directory/index.ts'
import type { Queryable } from './database.ts'

// Each reads the records of the given keys, or all. An empty list of keys costs no round trip.
type Keys = readonly string[] | undefined

async function select<T>(
  db: Queryable,
  sql: string,
  keyColumn: string,
  type: string,
  keys: Keys,
): Promise<T[]> {
  if (keys === undefined) return db.query<T>(sql)
  if (keys.length === 0) return []
  return db.query<T>(`${sql} where ${keyColumn} = any($1::${type}[])`, [keys])
}

export function readTenants(db: Queryable, keys: Keys): Promise<TenantRecord[]> {
  return select(db, 'select id, name, suspended from tenants', 'id', 'uuid', keys)
}

interface ClusterRow {
  id: string
  name: string
  network: 'flat' | 'isolated'
  maintenance: boolean
  server: string
  ca: string | null
  tls_server_name: string | null
  sealed_credential: Uint8Array
  revision: string
}

export async function readClusters(db: Queryable, keys: Keys): Promise<ClusterRecord[]> {
  const rows = await select<ClusterRow>(
    db,
    `select id, name, network, maintenance, server, ca, tls_server_name, sealed_credential, revision from clusters`,
    'id',
    'uuid',
    keys,
  )
  return rows.map((row) => ({
    id: row.id,
    name: row.name,
    network: row.network,
    maintenance: row.maintenance,
    connection: {
      server: row.server,
      ca: row.ca ?? undefined,
      tlsServerName: row.tls_server_name ?? undefined,
      sealedCredential: row.sealed_credential,
      revision: Number(row.revision),
    },
  }))
}

export async function readNodes(db: Queryable, keys: Keys): Promise<NodeRecord[]> {
  const rows = await select<NodeRecord & { writerEpoch: string }>(
    db,
    `select id, name, tenant_id as "tenantId", cluster_id as "clusterId", writer_epoch as "writerEpoch", capacity
       from nodes`,
    'id',
    'uuid',
    keys,
  )
  return rows.map((row) => ({ ...row, writerEpoch: Number(row.writerEpoch) }))
}

export function readCredentials(db: Queryable, keys: Keys): Promise<CredentialRecord[]> {
  return select(
    db,
    `select id, node_id as "nodeId", kind, access, revoked_at is not null as revoked from credentials`,
    'id',
    'uuid',
    keys,
  )
}

export function readNamespaces(db: Queryable, keys: Keys): Promise<NamespaceRecord[]> {
  return select(
    db,
    'select node_id as "nodeId", name, physical_name as "physicalName" from namespaces',
    'physical_name',
    'text',
    keys,
  )
}
