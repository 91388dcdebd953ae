import { NAMESPACE_KEY } from './keys.ts'
import { metadataForDataPlane, metadataForTenant, namespaceOfObject } from './metadata.ts'
import type { KubeObject } from './objects.ts'
import type { TenantView } from './view.ts'

/** A ConfigMap or Secret as its tenant sees it: the content is the tenant's own, only metadata is mapped. */
export function plainForTenant(view: TenantView, object: KubeObject): KubeObject {
  return {
    ...object,
    metadata: metadataForTenant(object, namespaceOfObject(view, object)),
  }
}

/** The same for the data plane; with `current` what the tenant does not see is merged back. */
export function plainForDataPlane(
  view: TenantView,
  object: KubeObject,
  physicalNamespace: string,
  current?: KubeObject,
): KubeObject {
  const metadata = metadataForDataPlane(view, object, physicalNamespace, current)
  const name = namespaceOfObject(view, current ?? { metadata: { namespace: physicalNamespace } })
  if (name !== undefined) metadata.annotations = { ...metadata.annotations, [NAMESPACE_KEY]: name }
  if (current === undefined) {
    delete metadata.finalizers
    delete metadata.ownerReferences
  }
  return { ...object, metadata }
}
