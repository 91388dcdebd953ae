/**
 * The directory: what every replica holds whole in memory, read from Postgres at the start and followed since
 * (design.md §4). Look-ups are synchronous and go on while Postgres is away.
 */

export interface TenantRecord {
  id: string
  name: string
  suspended: boolean
}

export interface ClusterRecord {
  id: string
  name: string
  /** `flat`: pod addresses are reported to the tenants; `isolated`: hidden (agent-rules.md 42). */
  network: 'flat' | 'isolated'
  maintenance: boolean
  /** How it is reached; absent only in tests that bring their own upstream. */
  connection?: ClusterConnection
}

/** The address and the sealed credential of a data plane; `Upstreams` alone opens it. */
export interface ClusterConnection {
  server: string
  ca?: string
  tlsServerName?: string
  /** See lib/seal.ts; bound to the cluster's id. */
  sealedCredential: Uint8Array
  /** Rises with each change of the registration. */
  revision: number
}

export interface NodeRecord {
  id: string
  name: string
  tenantId: string
  clusterId: string
  /** Epoch of the writer lease; writes of an agent with a lower one are refused. 0 when never taken. */
  writerEpoch: number
  /** What the Node object shows: `cpu`, `memory`, `pods`, … as quantities. */
  capacity?: Record<string, string>
}

export interface CredentialRecord {
  id: string
  nodeId: string
  kind: 'agent' | 'client'
  access: 'read-only' | 'edit'
  revoked: boolean
}

/** A virtual namespace. The row is there before the physical namespace and goes after it (rule 8). */
export interface NamespaceRecord {
  nodeId: string
  /** The name the tenant sees. */
  name: string
  /** `t-` and 26 characters of base32; opaque, never parsed. */
  physicalName: string
}

/** Who loses their open streams, watches and tokens now, and why. */
export interface CutOff {
  scope: 'tenant' | 'node' | 'credential' | 'session'
  id: string
  reason: 'revoked' | 'suspended' | 'deleted' | 'killed' | 'limited'
}

export interface Directory {
  tenant(id: string): TenantRecord | undefined
  cluster(id: string): ClusterRecord | undefined
  node(id: string): NodeRecord | undefined
  credential(id: string): CredentialRecord | undefined
  namespace(nodeId: string, name: string): NamespaceRecord | undefined
  namespaceByPhysicalName(physicalName: string): NamespaceRecord | undefined
  namespacesOf(nodeId: string): NamespaceRecord[]
  /** Every physical namespace name of a node's cluster that must not leak to anyone (rule 20's last wall) is known by this look-up. */
  isPhysicalName(candidate: string): boolean
  /** Reads what has changed up to now before it answers: for a miss that may be this replica being behind. @throws IsthmusError unavailable */
  refresh(): Promise<void>
  /** Since when the copy could not be refreshed, in epoch milliseconds; undefined when fresh. A miss while stale is 503, never 404. */
  staleSinceMs(): number | undefined
  /** Calls `listener` for each cut-off, on every replica in under 2 s. Returns the way to stop listening. */
  onCutOff(listener: (cutOff: CutOff) => void): () => void
}

export { type FollowedDirectory, type FollowOptions, followDirectory } from './follow.ts'
export type { Change, ChangeKind, DirectoryRecords, DirectorySource } from './source.ts'
