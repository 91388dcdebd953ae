import { formatAmount } from '../../kube/quantity.ts'
import { type FieldFault, IsthmusError } from '../../protocol/errors/index.ts'
import type { Amounts, LedgerRow } from './index.ts'
import { isCapacity } from './resources.ts'

/**
 * The refusal, in the words of Kubernetes' ResourceQuota plugin ("exceeded quota: …, requested: …, used: …,
 * limited: …"), which kubectl users know; one cause per resource that does not fit.
 */
export function shortage(amounts: Amounts, rows: readonly LedgerRow[]): IsthmusError {
  const causes: FieldFault[] = []
  const parts: string[] = []
  for (const [resource, requested] of amounts) {
    const ofResource = rows.filter((row) => row.resource === resource)
    const tight = ofResource.find(
      (row) => row.hard !== 'unlimited' && row.used + row.reserved + requested > (row.hard ?? -1n),
    )
    const lacksTenant = !ofResource.some((row) => row.ownerKind === 'tenant')
    if (
      !tight &&
      !lacksTenant &&
      (ofResource.some((row) => row.ownerKind === 'node') || !isCapacity(resource))
    )
      continue
    const row = tight ?? {
      ownerKind: lacksTenant ? 'tenant' : 'node',
      used: 0n,
      reserved: 0n,
      hard: undefined,
    }
    const ask = formatAmount(resource, requested)
    const used = formatAmount(resource, row.used + row.reserved)
    const hard = typeof row.hard === 'bigint' ? formatAmount(resource, row.hard) : '0'
    const whose = row.ownerKind === 'tenant' ? 'quota' : 'capacity of the node'
    causes.push({
      field: resource,
      reason: 'QuotaExceeded',
      message: `${whose}: requested: ${ask}, used: ${used}, limited: ${hard}`,
    })
    parts.push(`${whose} of ${resource}: requested ${ask}, used ${used}, limited ${hard}`)
  }
  return new IsthmusError('quota_exceeded', `exceeded ${parts.join('; ') || 'quota'}`, { causes })
}
