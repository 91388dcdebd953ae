import type {
  ClusterRecord,
  CredentialRecord,
  CutOff,
  NamespaceRecord,
  NodeRecord,
  TenantRecord,
} from './index.ts'
import type { Change, DirectoryRecords } from './source.ts'

/** The directory's copy: plain maps with their indices, and the rule which change cuts whom off. */
export class Tables {
  readonly tenants = new Map<string, TenantRecord>()
  readonly clusters = new Map<string, ClusterRecord>()
  readonly nodes = new Map<string, NodeRecord>()
  readonly credentials = new Map<string, CredentialRecord>()
  readonly byPhysicalName = new Map<string, NamespaceRecord>()
  readonly #byNode = new Map<string, Map<string, NamespaceRecord>>()

  namespace(nodeId: string, name: string): NamespaceRecord | undefined {
    return this.#byNode.get(nodeId)?.get(name)
  }

  namespacesOf(nodeId: string): NamespaceRecord[] {
    return [...(this.#byNode.get(nodeId)?.values() ?? [])]
  }

  /** Takes the present state of the changed keys over, and returns who is cut off by it. */
  apply(changes: readonly Change[], now: DirectoryRecords): CutOff[] {
    const cutOffs: CutOff[] = []
    const keys = (kind: Change['kind']) => changes.filter((change) => change.kind === kind).map((c) => c.key)
    this.#replace('tenant', this.tenants, keys('tenant'), now.tenants, cutOffs, (before, after) =>
      after.suspended && !before.suspended ? 'suspended' : undefined,
    )
    this.#replace('node', this.nodes, keys('node'), now.nodes, cutOffs, () => undefined)
    this.#replace(
      'credential',
      this.credentials,
      keys('credential'),
      now.credentials,
      cutOffs,
      (before, after) => {
        if (after.revoked) return before.revoked ? undefined : 'revoked'
        // What it opened while it could do more must not outlive that (C9).
        return before.access === 'edit' && after.access === 'read-only' ? 'limited' : undefined
      },
    )
    for (const id of keys('cluster')) this.clusters.delete(id)
    for (const cluster of now.clusters) this.clusters.set(cluster.id, cluster)
    for (const physicalName of keys('namespace')) this.#dropNamespace(physicalName)
    for (const namespace of now.namespaces) this.#addNamespace(namespace)
    for (const id of keys('session-killed')) cutOffs.push({ scope: 'session', id, reason: 'killed' })
    return cutOffs
  }

  /** As if every key had changed: whatever is not in `now` is gone. */
  replaceAll(now: DirectoryRecords): CutOff[] {
    const changes: Change[] = []
    const all = (kind: Change['kind'], ids: Iterable<string>) => {
      for (const key of ids) changes.push({ kind, key })
    }
    all('tenant', this.tenants.keys())
    all('cluster', this.clusters.keys())
    all('node', this.nodes.keys())
    all('credential', this.credentials.keys())
    all('namespace', this.byPhysicalName.keys())
    return this.apply(changes, now)
  }

  #replace<T extends { id: string }>(
    scope: CutOff['scope'],
    table: Map<string, T>,
    keys: readonly string[],
    records: readonly T[],
    cutOffs: CutOff[],
    judge: (before: T, after: T) => CutOff['reason'] | undefined,
  ): void {
    const present = new Map(records.map((record) => [record.id, record]))
    for (const id of keys) {
      const before = table.get(id)
      const after = present.get(id)
      if (before && !after) {
        table.delete(id)
        cutOffs.push({ scope, id, reason: 'deleted' })
      }
    }
    for (const after of records) {
      const before = table.get(after.id)
      table.set(after.id, after)
      const reason = before && judge(before, after)
      if (reason) cutOffs.push({ scope, id: after.id, reason })
    }
  }

  #addNamespace(record: NamespaceRecord): void {
    this.byPhysicalName.set(record.physicalName, record)
    const names = this.#byNode.get(record.nodeId) ?? new Map<string, NamespaceRecord>()
    this.#byNode.set(record.nodeId, names.set(record.name, record))
  }

  #dropNamespace(physicalName: string): void {
    const record = this.byPhysicalName.get(physicalName)
    if (!record) return
    this.byPhysicalName.delete(physicalName)
    const names = this.#byNode.get(record.nodeId)
    // A namespace that was made anew under the same name has another physical one.
    if (names?.get(record.name)?.physicalName === physicalName) names.delete(record.name)
    if (names?.size === 0) this.#byNode.delete(record.nodeId)
  }
}
