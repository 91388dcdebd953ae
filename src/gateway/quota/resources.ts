/**
 * Whether a node's capacity bounds this resource. What pods request must be there; limits may be overcommitted,
 * and counts of objects are no matter of a node.
 */
export function isCapacity(resource: string): boolean {
  return resource === 'pods' || resource.startsWith('requests.')
}

/** The ledger's name of a Node's capacity resource: `cpu` is `requests.cpu`, `pods` stays. */
export function ledgerResource(capacity: string): string {
  return capacity === 'pods' ? 'pods' : `requests.${capacity}`
}
