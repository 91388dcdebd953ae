import type { VirtualNode } from '../../../../protocol/schemas/operator.ts'
import type { NodeRow } from '../../../nodes/index.ts'
import { ledgerResource, parseHard, quotaRow } from '../../../quota/index.ts'

export const showNode = (row: NodeRow): VirtualNode => ({
  ...row.value,
  capacity: row.capacity.map(quotaRow),
})

/** A Node's capacity as limits of the ledger. @throws invalid */
export function capacityLimits(capacity: Record<string, string>): Map<string, bigint | 'unlimited'> {
  const limits = parseHard(capacity, 'capacity')
  return new Map([...limits].map(([resource, limit]) => [ledgerResource(resource), limit]))
}
