import { parseQuantity } from '../../kube/index.ts'
import type { Self, SelfQuotaRow } from '../../protocol/schemas/agent.ts'

const UNBOUNDED = 1n << 200n

function left(row: SelfQuotaRow): bigint {
  if (row.hard === 'unlimited') return UNBOUNDED
  return parseQuantity(row.hard, 'hard') - parseQuantity(row.used, 'used')
}

/** Whether some resource has more room than before, so that it is of use to try the pods that wait. */
export function hasMoreRoom(before: Self | undefined, after: Self): boolean {
  if (!before || before.cluster.reachable !== after.cluster.reachable) return true
  if (before.tenant.suspended !== after.tenant.suspended) return true
  return after.quota.some((row) => {
    const old = before.quota.find(({ scope, resource }) => scope === row.scope && resource === row.resource)
    return !old || left(row) > left(old)
  })
}
