import { IsthmusError } from '../../protocol/errors/index.ts'
import type { LeftBehind, Removal, RemovalMode } from '../tenants/index.ts'
import type { Queryable } from './database.ts'
import { addToRows, lockRows, toMap } from './ledger-rows.ts'

type Column = 'id' | 'tenant_id' | 'cluster_id'

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
 * Deletes nodes that left nothing in a data plane, marks the others for the reconciler, and returns how many are left.
 * `force` ends their credentials at once, and gives up what is on a data plane of `away`; `drain` leaves the agent in
 * charge until the last pod is gone.
 */
export async function markNodes(
  tx: Queryable,
  column: Column,
  id: string,
  mode: RemovalMode,
  away: ReadonlySet<string>,
): Promise<{ marked: number; left: LeftBehind[] }> {
  const nodes = await tx.query<NodeToRemove>(
    `select n.id, n.tenant_id, n.cluster_id, t.name || '/' || n.name as node, c.name as cluster,
            not exists (select 1 from namespaces s where s.node_id = n.id)
            and not exists (select 1 from reservations r where r.node_id = n.id) as empty
       from nodes n join tenants t on t.id = n.tenant_id join clusters c on c.id = n.cluster_id
      where n.id in (${NODES[column]}) order by n.id for update of n`,
    [id],
  )
  const left: LeftBehind[] = []
  let marked = 0
  for (const node of nodes) {
    if (node.empty) await deleteNodeRow(tx, node.id)
    else if (mode === 'force' && away.has(node.cluster_id)) left.push(await giveUp(tx, node))
    else {
      marked += 1
      await markNode(tx, node.id, mode ?? 'force')
    }
  }
  return { marked, left }
}

export const removal = ({ marked, left }: { marked: number; left: LeftBehind[] }): Removal => ({
  state: marked === 0 ? 'removed' : 'removing',
  left,
})

interface NodeToRemove {
  id: string
  tenant_id: string
  cluster_id: string
  node: string
  cluster: string
  empty: boolean
}

async function markNode(tx: Queryable, id: string, mode: 'drain' | 'force'): Promise<void> {
  await tx.query(
    'update nodes set deleting = $2, revision = revision + 1, updated_at = now() where id = $1',
    [id, mode],
  )
  if (mode === 'drain') return
  await tx.query('update credentials set revoked_at = now() where node_id = $1 and revoked_at is null', [id])
}

/** The node goes although its data plane can not be asked: quota is free, and its namespaces are noted to be deleted. */
async function giveUp(tx: Queryable, node: NodeToRemove): Promise<LeftBehind> {
  const reservations = await tx.query<{ state: 'reserved' | 'committed'; amounts: Record<string, string> }>(
    'select state, amounts from reservations where node_id = $1 order by id for update',
    [node.id],
  )
  const owner = { tenantId: node.tenant_id, nodeId: node.id }
  const resources = new Set(reservations.flatMap(({ amounts }) => Object.keys(amounts)))
  await lockRows(tx, owner, [...resources])
  for (const { state, amounts } of reservations) {
    const back = new Map([...toMap(amounts)].map(([resource, amount]) => [resource, -amount]))
    await addToRows(tx, owner, state === 'committed' ? 'used' : 'reserved', back)
  }
  await tx.query('delete from reservations where node_id = $1', [node.id])
  const namespaces = await tx.query<{ physical_name: string }>(
    `with gone as (delete from namespaces where node_id = $1 returning physical_name)
     insert into leftovers (physical_name, cluster_id, node) select physical_name, $2, $3 from gone
     returning physical_name`,
    [node.id, node.cluster_id, node.node],
  )
  await deleteNodeRow(tx, node.id)
  return {
    node: node.node,
    cluster: node.cluster,
    namespaces: namespaces.map((row) => row.physical_name).sort(),
    pods: reservations.length,
  }
}

/** The node with its capacity rows; credentials, leases and sessions go with it. */
export async function deleteNodeRow(tx: Queryable, id: string): Promise<void> {
  await tx.query(`delete from ledger where owner_kind = 'node' and owner_id = $1`, [id])
  await tx.query('delete from nodes where id = $1', [id])
}
