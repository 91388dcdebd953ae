import { formatAmount, parseQuantity } from '../../kube/quantity.ts'
import { IsthmusError } from '../../protocol/errors/index.ts'
import type { QuotaRow } from '../../protocol/schemas/operator.ts'
import type { LedgerRow } from './index.ts'

/** A ledger row as the operator face shows it. No limit at all refuses, as 0 does. */
export function quotaRow(row: LedgerRow): QuotaRow {
  const { resource, hard, used, reserved } = row
  return {
    resource,
    hard: hard === 'unlimited' ? 'unlimited' : formatAmount(resource, hard ?? 0n),
    used: formatAmount(resource, used),
    reserved: formatAmount(resource, reserved),
    overCommitted: hard !== 'unlimited' && used + reserved > (hard ?? 0n),
  }
}

const NAME = /^[A-Za-z0-9]([-A-Za-z0-9_./]{0,251}[A-Za-z0-9])?$/

/** Reads hard limits. @throws invalid with every fault */
export function parseHard<T extends string | null>(
  hard: Record<string, T>,
  field = 'hard',
): Map<string, bigint | 'unlimited' | Extract<T, null>> {
  const parsed = new Map<string, bigint | 'unlimited' | Extract<T, null>>()
  const causes = []
  for (const [resource, text] of Object.entries(hard)) {
    const at = `${field}[${resource}]`
    try {
      if (!NAME.test(resource)) {
        throw new IsthmusError('invalid', at, {
          causes: [{ field: at, reason: 'FieldValueInvalid', message: 'not the name of a resource' }],
        })
      }
      if (text === null) parsed.set(resource, text as Extract<T, null>)
      else parsed.set(resource, text === 'unlimited' ? 'unlimited' : parseQuantity(text, at))
    } catch (error) {
      if (!(error instanceof IsthmusError)) throw error
      causes.push(...(error.details.causes ?? []))
    }
  }
  if (causes.length > 0) throw new IsthmusError('invalid', 'The limits have faults.', { causes })
  return parsed
}
