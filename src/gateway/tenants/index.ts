import type { NamespaceRecord } from '../directory/index.ts'

/** The mapping of virtual namespaces; the unique key is (node, name). */
export interface NamespaceRegistry {
  /** The record for this name, made and committed when there is none. Idempotent. @throws unavailable, too_many_requests when the node has too many */
  ensure(nodeId: string, name: string): Promise<NamespaceRecord>
  /** Forgets the mapping after the physical namespace's DELETED event, if it still is this one. Idempotent. */
  drop(nodeId: string, physicalName: string): Promise<void>
}

export type { LeftBehind, Removal, RemovalMode, Scope, TenantRow, TenantStore, Versioned } from './store.ts'
