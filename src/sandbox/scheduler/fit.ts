import { effectiveAmounts, type PodResources } from '../../kube/effective-requests.ts'
import { parseQuantity } from '../../kube/quantity.ts'
import type { Node, Pod } from './types.ts'

/** Amounts by resource (`cpu`, `memory`, `pods`, …), in thousandths. */
export type Amounts = Map<string, bigint>

/** What a pod asks of a node: one of `pods`, and its effective requests. */
export function requestsOf(pod: Pod): Amounts {
  const amounts: Amounts = new Map([['pods', 1000n]])
  for (const [name, amount] of effectiveAmounts(pod as unknown as PodResources)) {
    if (name.startsWith('requests.')) amounts.set(name.slice('requests.'.length), amount)
  }
  return amounts
}

/** What a node has to give. */
export function allocatableOf(node: Node): Amounts {
  const list = node.status?.allocatable ?? node.status?.capacity ?? {}
  return new Map(Object.entries(list).map(([name, text]) => [name, parseQuantity(text, name)]))
}

export function addAmounts(to: Amounts, from: Amounts): void {
  for (const [name, amount] of from) to.set(name, (to.get(name) ?? 0n) + amount)
}

export function subtractAmounts(from: Amounts, amounts: Amounts): void {
  for (const [name, amount] of amounts) from.set(name, (from.get(name) ?? 0n) - amount)
}

/**
 * What there is too little of, in the scheduler's words (NodeResourcesFit): `Too many pods`, `Insufficient cpu`.
 * A resource that is not asked for is never too little.
 */
export function insufficient(requests: Amounts, used: Amounts, allocatable: Amounts): string[] {
  const reasons: string[] = []
  for (const [name, amount] of requests) {
    if (amount === 0n) continue
    if ((used.get(name) ?? 0n) + amount <= (allocatable.get(name) ?? 0n)) continue
    reasons.push(name === 'pods' ? 'Too many pods' : `Insufficient ${name}`)
  }
  return reasons
}
