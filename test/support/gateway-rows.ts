import { randomBytes, randomUUID } from 'node:crypto'
import type { Database } from '../../src/gateway/store/database.ts'

/** A tenant with one node on a cluster of its own, made by plain statements. */
export interface RowsOfTenant {
  tenantId: string
  clusterId: string
  nodeId: string
}

/** Makes the rows that most integration tests start from. */
export async function makeRows(
  database: Database,
  name = `t${randomBytes(4).toString('hex')}`,
): Promise<RowsOfTenant> {
  const ids = { tenantId: randomUUID(), clusterId: randomUUID(), nodeId: randomUUID() }
  await database.query('insert into tenants (id, name) values ($1, $2)', [ids.tenantId, name])
  await database.query(
    `insert into clusters (id, name, server, sealed_credential) values ($1, $2, 'https://127.0.0.1:1', '\\x00')`,
    [ids.clusterId, `c-${name}`],
  )
  await database.query('insert into nodes (id, tenant_id, cluster_id, name) values ($1, $2, $3, $4)', [
    ids.nodeId,
    ids.tenantId,
    ids.clusterId,
    'node',
  ])
  return ids
}

/** Sets a row of the ledger; `undefined` is no limit given, which refuses. */
export async function setHard(
  database: Database,
  rows: RowsOfTenant,
  owner: 'tenant' | 'node',
  resource: string,
  hard: bigint | 'unlimited' | undefined,
): Promise<void> {
  await database.query(
    `insert into ledger (owner_kind, owner_id, tenant_id, resource, hard, unlimited) values ($1, $2, $3, $4, $5, $6)
     on conflict (owner_kind, owner_id, resource) do update set hard = excluded.hard, unlimited = excluded.unlimited`,
    [
      owner,
      owner === 'tenant' ? rows.tenantId : rows.nodeId,
      rows.tenantId,
      resource,
      typeof hard === 'bigint' ? String(hard) : null,
      hard === 'unlimited',
    ],
  )
}
