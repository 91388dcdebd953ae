import { IsthmusError } from '../../protocol/errors/index.ts'
import type { Queryable } from './database.ts'

type Column = 'id' | 'tenant_id' | 'cluster_id'
export type RemovalMode = 'drain' | 'force' | undefined

/** How nodes are found by what is removed: the node itself, its tenant, its cluster. */
const NODES: Record<Column, string> = {
  id: 'select id from nodes where id = $1',
  tenant_id: 'select id from nodes where tenant_id = $1',
  cluster_id: 'select id from nodes where cluster_id = $1',
}

/** @throws in_use when a node carries something and it was not said what becomes of it */
export async function refuseWhileCarrying(
  tx: Queryable,
  column: Column,
  id: string,
  mode: RemovalMode,
): Promise<void> {
  if (mode !== undefined) return
  const [row] = await tx.query<{ carried: string }>(
    `select count(*) as carried from reservations where node_id in (${NODES[column]})`,
    [id],
  )
  const carried = Number(row?.carried ?? 0)
  if (carried > 0) {
    throw new IsthmusError('in_use', `It carries ${carried} object(s): delete with mode=drain or mode=force.`)
  }
}

/**
 * Deletes nodes that left nothing in a data plane, marks the others for the reaper (nodes/reaper.ts), and returns how
 * many are left. `force` ends their credentials at once; `drain` leaves the agent in charge until the last pod is gone.
 */
export async function markNodes(
  tx: Queryable,
  column: Column,
  id: string,
  mode: RemovalMode,
): Promise<number> {
  const nodes = await tx.query<{ id: string; empty: boolean }>(
    `select n.id,
            not exists (select 1 from namespaces s where s.node_id = n.id)
            and not exists (select 1 from reservations r where r.node_id = n.id) as empty
       from nodes n where n.id in (${NODES[column]}) order by n.id for update`,
    [id],
  )
  for (const node of nodes) {
    if (node.empty) await deleteNodeRow(tx, node.id)
    else {
      await tx.query(
        'update nodes set deleting = $2, revision = revision + 1, updated_at = now() where id = $1',
        [node.id, mode ?? 'force'],
      )
      if (mode !== 'drain') {
        await tx.query(
          'update credentials set revoked_at = now() where node_id = $1 and revoked_at is null',
          [node.id],
        )
      }
    }
  }
  return nodes.filter((node) => !node.empty).length
}

/** The node with its capacity rows; credentials, leases and sessions go with it. */
export async function deleteNodeRow(tx: Queryable, id: string): Promise<void> {
  await tx.query(`delete from ledger where owner_kind = 'node' and owner_id = $1`, [id])
  await tx.query('delete from nodes where id = $1', [id])
}
