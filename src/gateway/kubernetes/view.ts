import type { NamespaceRecord } from '../directory/index.ts'
import type { ReservedKey } from '../policy/index.ts'

/**
 * For whom an object is mapped: one virtual node and how its world is named. Made once per request; everything
 * in this folder is a pure function of such a view and an object.
 */
export interface TenantView {
  tenantId: string
  nodeId: string
  /** What `spec.nodeName` shows. */
  nodeName: string
  /** Pod addresses are shown on `flat` networks only (agent-rules.md 42). */
  network: 'flat' | 'isolated'
  /** The record of a physical namespace, whoever's it is. */
  namespaceOf(physicalName: string): NamespaceRecord | undefined
  /** The physical name of one of this node's namespaces. */
  physicalNamespace(name: string): string | undefined
  /** Whether this string names a physical namespace (rule 20's last wall). */
  isPhysicalName(candidate: string): boolean
  /** Keys of metadata that the operator reserves, beside those of policy/reserved-keys.ts. */
  reservedKeys?: readonly ReservedKey[]
  /** Told once for each physical name that only the last wall caught. */
  onLeak?(where: string): void
}

/** The tenant's name of a physical namespace, if it is this node's. */
export function virtualNamespace(view: TenantView, physicalName: string | undefined): string | undefined {
  if (physicalName === undefined) return undefined
  const record = view.namespaceOf(physicalName)
  return record?.nodeId === view.nodeId ? record.name : undefined
}
