import { IsthmusError } from '../protocol/errors/index.ts'
import { parseQuantity } from './quantity.ts'

/** v1.ResourceList with exact amounts in thousandths. */
export type ResourceList = Map<string, bigint>

/** Reads a resource list of an unchecked object. @throws IsthmusError invalid, naming the field */
export function parseList(value: unknown, field: string): ResourceList {
  const list: ResourceList = new Map()
  if (value === undefined || value === null) return list
  if (typeof value !== 'object' || Array.isArray(value)) {
    throw new IsthmusError('invalid', `${field}: must be a map of quantities`, {
      causes: [{ field, reason: 'FieldValueTypeInvalid', message: 'must be a map of quantities' }],
    })
  }
  for (const [name, quantity] of Object.entries(value))
    list.set(name, parseQuantity(quantity, `${field}.${name}`))
  return list
}

/** Adds each amount of `from` to `to`. */
export function addList(to: ResourceList, from: ResourceList): void {
  for (const [name, amount] of from) to.set(name, (to.get(name) ?? 0n) + amount)
}

/** Raises each amount of `to` to that of `from` where it is less. */
export function maxList(to: ResourceList, from: ResourceList): void {
  for (const [name, amount] of from) {
    const current = to.get(name)
    if (current === undefined || amount > current) to.set(name, amount)
  }
}
