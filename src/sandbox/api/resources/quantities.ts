import { parseQuantity } from '../../../kube/quantity.ts'

/** Whether Kubernetes would read it as a quantity. */
export function isQuantity(value: unknown): boolean {
  try {
    parseQuantity(value, 'quantity', { allowNegative: true })
    return true
  } catch {
    return false
  }
}

/** Below 0, 0 or above 0, as for a sort. @throws invalid for what is no quantity. */
export function compareQuantities(a: string, b: string): number {
  const left = parseQuantity(a, 'quantity', { allowNegative: true })
  const right = parseQuantity(b, 'quantity', { allowNegative: true })
  return left < right ? -1 : left > right ? 1 : 0
}
