import type { Amounts } from './index.ts'

/** A reservation as the reconciler compares it. */
export interface ReservationRow {
  id: string
  physicalNamespace: string
  name: string
  state: 'reserved' | 'committed'
  amounts: Amounts
  ageMs: number
  /** Reserved: may be given back once a GET says that the object is absent. Committed: no write that was charged ahead is under way. */
  expired: boolean
  /** Another one after every change of the row. */
  version: string
}

/** A node that is being removed, and what it still has in the data plane. */
export interface RemovalRow {
  nodeId: string
  mode: 'drain' | 'force'
  reservations: number
  physicalNamespaces: string[]
}

/** What was found wrong and repaired; labels of the drift metric. */
export type Drift =
  | 'leaked'
  | 'expired'
  | 'uncommitted'
  | 'uncharged'
  | 'amounts'
  | 'sums'
  | 'namespace'
  /** Not repaired: a pod whose amounts can not be read keeps what it is charged with. */
  | 'unreadable'

/** What the reconciler reads and repairs. Everything throws IsthmusError unavailable. */
export interface ReconciliationStore {
  /**
   * Locks on a connection of their own: `tryLock` is true for one replica per cluster. `onLost` is called when the
   * connection is gone, and all locks with it.
   */
  openLocks(
    onLost: () => void,
  ): Promise<{ tryLock(clusterId: string): Promise<boolean>; close(): Promise<void> }>
  reservations(clusterId: string): Promise<ReservationRow[]>
  /** Makes a reservation hold these amounts, unless it was changed since it was read. Returns whether it did. */
  correct(
    row: Pick<ReservationRow, 'id' | 'version'>,
    pod: { uid: string; amounts: Amounts },
  ): Promise<boolean>
  /** Charges what runs without a reservation, whatever the limits are. */
  adopt(pod: {
    id: string
    physicalNamespace: string
    name: string
    uid: string
    amounts: Amounts
  }): Promise<void>
  /** Makes the ledger's sums those of the reservations. Returns how many rows were wrong. */
  repairSums(clusterId: string): Promise<number>
  removals(clusterId: string): Promise<RemovalRow[]>
  /** Physical namespaces that forced removals left while the data plane was away. */
  leftovers(clusterId: string): Promise<string[]>
  /** The data plane does not have it any more. */
  forgetLeftover(physicalName: string): Promise<void>
  /** Deletes nodes that have nothing left, then tenants and clusters that are being removed and have no nodes. */
  finishRemovals(): Promise<void>
}
