import { NAMESPACE_KEY, NAMESPACE_NAME_LABEL } from './keys.ts'
import { isOwn, metadataForDataPlane, metadataForTenant } from './metadata.ts'
import type { KubeObject } from './objects.ts'
import { redactValue } from './redact.ts'
import { type TenantView, virtualNamespace } from './view.ts'

/**
 * A virtual namespace from the physical Namespace object (rule 8): UID, resourceVersion and Terminating are real,
 * the name and its label are the tenant's. undefined for a Namespace that is not this node's.
 */
export function namespaceForTenant(view: TenantView, object: KubeObject): KubeObject | undefined {
  // The DELETED event may come after the mapping was dropped: the label, which is the gateway's, still says it.
  const label = isOwn(view, object) ? object.metadata?.labels?.[NAMESPACE_KEY] : undefined
  const name = virtualNamespace(view, object.metadata?.name) ?? label
  if (name === undefined) return undefined
  const metadata = metadataForTenant(object, undefined)
  metadata.name = name
  metadata.labels = { ...metadata.labels, [NAMESPACE_NAME_LABEL]: name }
  return {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata,
    spec: object.spec,
    status: redactValue(view, namespaceStatus(object.status), 'namespace.status'),
  }
}

/** Conditions of a Terminating namespace list what is left, by kinds of the data plane: only the phase is shown. */
function namespaceStatus(status: unknown): Record<string, unknown> {
  return { phase: (status as { phase?: string } | undefined)?.phase ?? 'Active' }
}

/** The physical Namespace for a virtual one: new, or with `current` what it becomes; what the tenant does not see stays. */
export function namespaceForDataPlane(
  view: TenantView,
  object: KubeObject,
  physicalName: string,
  current?: KubeObject,
): KubeObject {
  const labels = { ...object.metadata?.labels }
  delete labels[NAMESPACE_NAME_LABEL]
  const name = object.metadata?.name ?? ''
  const own: KubeObject = { ...object, metadata: { ...object.metadata, labels } }
  const metadata = metadataForDataPlane(view, own, undefined, current)
  if (current === undefined) {
    delete metadata.finalizers
    delete metadata.ownerReferences
  }
  delete metadata.generateName
  metadata.name = physicalName
  metadata.labels = { ...metadata.labels, [NAMESPACE_KEY]: name }
  return { apiVersion: 'v1', kind: 'Namespace', metadata, ...(current ? { spec: current.spec } : {}) }
}
