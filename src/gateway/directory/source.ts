import type { ClusterRecord, CredentialRecord, NamespaceRecord, NodeRecord, TenantRecord } from './index.ts'

export type ChangeKind =
  | 'tenant'
  | 'cluster'
  | 'node'
  | 'credential'
  | 'namespace'
  | 'signing-key'
  | 'session-killed'

/** Something with this key was made, changed or removed; what it is now has to be read. */
export interface Change {
  kind: ChangeKind
  key: string
}

export interface DirectoryRecords {
  tenants: TenantRecord[]
  clusters: ClusterRecord[]
  nodes: NodeRecord[]
  credentials: CredentialRecord[]
  namespaces: NamespaceRecord[]
}

/** Where the directory reads from; implemented by store/directory-source.ts. Everything throws IsthmusError unavailable. */
export interface DirectorySource {
  /** Everything, in one snapshot, and the cursor from which changes follow it without a gap. */
  load(): Promise<{ records: DirectoryRecords; cursor: string }>
  /**
   * The changes that became visible since the cursor, each at least once, also those whose transaction committed
   * after younger ones.
   */
  since(cursor: string): Promise<{ changes: Change[]; cursor: string }>
  /** The present records of these keys; what is gone is missing. */
  read(changes: readonly Change[]): Promise<DirectoryRecords>
  /** Calls `wake` when there may be changes; it may miss some and call in vain. Returns the way to end it. */
  onWake(wake: () => void): () => Promise<void>
}
