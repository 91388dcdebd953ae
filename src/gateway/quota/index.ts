/**
 * The quota ledger (design.md §4): per tenant and resource hard, used, reserved; a node's capacity is a row of
 * the same kind. Amounts are exact integers in thousandths of the resource's unit (`cpu` 1 = 1000n,
 * `memory` 1 byte = 1000n, `pods` 1 = 1000n).
 */

/** Kubernetes' quota names: `pods`, `requests.cpu`, `requests.memory`, `limits.cpu`, `limits.memory`, `requests.ephemeral-storage`, … */
export type QuotaResource = string
export type Amounts = ReadonlyMap<QuotaResource, bigint>

export interface ReservationRequest {
  /** Drawn by the caller (UUID); the same id again is the same reservation. */
  id: string
  tenantId: string
  nodeId: string
  clusterId: string
  /** The tenant's namespace and the object's name, for the operator's eyes and the reconciler. */
  namespace: string
  physicalNamespace: string
  name: string
  amounts: Amounts
}

export interface QuotaLedger {
  /**
   * Takes the amounts for an object that will be made now, against tenant and node capacity, in one statement
   * with the rows locked in a fixed order. @throws IsthmusError quota_exceeded, with one cause per resource that
   * does not fit (`field` the resource, message with requested, used and hard); unavailable when Postgres is.
   */
  reserve(request: ReservationRequest): Promise<void>
  /** The object exists: what it holds is what the data plane returned. Idempotent. */
  commit(id: string, object: { uid: string; amounts: Amounts }): Promise<void>
  /** Nothing was made, or all that it held is free: terminal or gone. Idempotent; unknown ids are no error. */
  release(id: string): Promise<void>
  /**
   * Makes an object hold at least these amounts, before the write that asks for them (resize). Never less: another
   * write may rely on what is held, and what is given back counts until actuation, after which the reconciler takes
   * it off. Returns the way back for a write that was refused; it does nothing once the reservation has been touched
   * by anybody else. @throws quota_exceeded; unavailable for an object that is not charged (yet)
   */
  grow(id: string, amounts: Amounts): Promise<() => Promise<void>>
}

/** One row of the ledger, of the tenant or of its node. */
export interface LedgerRow {
  ownerKind: 'tenant' | 'node'
  resource: QuotaResource
  /** undefined: there is no limit, which refuses. */
  hard: bigint | 'unlimited' | undefined
  used: bigint
  reserved: bigint
}

export { type Reconciler, type ReconcilerOptions, startReconciler } from './reconciler.ts'
export type { Drift, ReconciliationStore, RemovalRow, ReservationRow } from './reconciliation.ts'
export { isCapacity, ledgerResource } from './resources.ts'
export { shortage } from './shortage.ts'
export type { QuotaStore } from './store.ts'
export { parseHard, quotaRow } from './view.ts'
