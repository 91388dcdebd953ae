import type { V1Pod } from '@kubernetes/client-node'
import { isTerminal } from '../../kube/forge/to-user.ts'
import { effectiveAmounts, formatAmount, parseQuantity } from '../../kube/index.ts'
import type { Self } from '../../protocol/schemas/agent.ts'

/** The Node's resources and the ledger's rows that bound them. */
const ledgerName = (resource: string) => (resource === 'pods' ? 'pods' : `requests.${resource}`)

/**
 * Room for pods that quota does not bound: without it a critical DaemonSet pod makes the scheduler preempt a
 * tenant's pod (rule 24).
 */
const POD_SLACK = 16n * 1000n

/** How a pod bound to the node counts: `held` adds its requests back, a `waiting` one holds its place. */
export type PodStanding = 'held' | 'waiting'

/** What is left of a ledger resource: the least that tenant and node have; undefined when nothing bounds it. */
function leftOf(self: Self, resource: string): bigint | undefined {
  let least: bigint | undefined
  for (const row of self.quota) {
    if (row.resource !== resource || row.hard === 'unlimited') continue
    const left = parseQuantity(row.hard, 'hard') - parseQuantity(row.used, 'used')
    const room = left > 0n ? left : 0n
    if (least === undefined || room < least) least = room
  }
  return least
}

/**
 * The Node's capacity and allocatable (rule 24): what is left of quota and capacity, plus the requests of all
 * non-terminal pods bound to the node that are carried already or never will be, since the scheduler subtracts
 * every bound pod. A pod that waits for quota is not added: it holds its place. Two nodes of a tenant may each
 * show the whole rest; the ledger decides.
 */
export function nodeResources(
  self: Self,
  pods: Iterable<V1Pod>,
  standingOf: (pod: V1Pod) => PodStanding,
): { capacity: Record<string, string>; allocatable: Record<string, string> } {
  const held = new Map<string, bigint>()
  for (const pod of pods) {
    if (isTerminal(pod)) continue
    const slackOnly = standingOf(pod) === 'waiting'
    for (const [name, amount] of effectiveAmounts(pod)) {
      if (slackOnly && name !== 'pods') continue
      held.set(name, (held.get(name) ?? 0n) + amount)
    }
  }
  const capacity: Record<string, string> = {}
  const allocatable: Record<string, string> = {}
  for (const [resource, whole] of Object.entries(self.node.capacity)) {
    const total = parseQuantity(whole, `capacity.${resource}`)
    const name = ledgerName(resource)
    const left = leftOf(self, name) ?? total
    const room = left + (held.get(name) ?? 0n) + (resource === 'pods' ? POD_SLACK : 0n)
    allocatable[resource] = formatAmount(resource, room)
    capacity[resource] = formatAmount(resource, room > total ? room : total)
  }
  return { capacity, allocatable }
}
