import type { V1Pod } from '@kubernetes/client-node'
import { effectiveAmounts, parseQuantity } from '../../kube/index.ts'
import type { Self } from '../../protocol/schemas/agent.ts'

/**
 * Whether the pod may fit into what the ledger has left: false only where it certainly does not, so that a
 * thousand pods that wait are not sent again for each change. The gateway decides; it also charges defaults.
 */
export function mayFit(self: Self, pod: V1Pod): boolean {
  const amounts = effectiveAmounts(pod)
  return self.quota.every(({ resource, hard, used }) => {
    const amount = amounts.get(resource)
    if (amount === undefined || hard === 'unlimited') return true
    return parseQuantity(used, 'used') + amount <= parseQuantity(hard, 'hard')
  })
}

/** Whether the pod could fit if nothing else were there: one that could not will never be carried (rule 24). */
export function canEverFit(self: Self, pod: V1Pod): boolean {
  const amounts = effectiveAmounts(pod)
  return self.quota.every(({ resource, hard }) => {
    const amount = amounts.get(resource)
    return amount === undefined || hard === 'unlimited' || amount <= parseQuantity(hard, 'hard')
  })
}
