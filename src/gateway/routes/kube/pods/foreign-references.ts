import type { FieldFault } from '../../../../protocol/errors/index.ts'
import type { NamespaceRecord } from '../../../directory/index.ts'
import { NODE_LABEL } from '../../../kubernetes/keys.ts'
import type { KubeObject, PodSpec } from '../../../kubernetes/objects.ts'
import { errorForTenant, invalidObject } from '../../../kubernetes/upstream-errors.ts'
import { type PodReference, podReferences } from '../../../policy/index.ts'
import { type KubeCall, subjectOf } from '../call.ts'

/**
 * Refuses references to Secrets and ConfigMaps of the physical namespace that its tenant did not make: what the data
 * plane's own controllers put there (a mesh's certificates, a token, a pull secret) is not the pod's to read (E3).
 * Asked of the API server's cache, and only for pods that refer to something. A name that nobody has yet is let
 * through, since pods may come before what they use: what a controller puts there after the pod is not seen here.
 * @throws IsthmusError invalid, with the path of each
 */
export async function refuseForeignReferences(
  call: KubeCall,
  namespace: Pick<NamespaceRecord, 'physicalName'>,
  spec: Partial<PodSpec>,
): Promise<void> {
  const references = podReferences(spec)
  const resources = [...new Set(references.map(({ resource }) => resource))]
  const foreign = new Map(
    await Promise.all(
      resources.map(async (resource) => [resource, await foreignNames(call, namespace, resource)] as const),
    ),
  )
  const faults = references
    .filter(({ resource, name }) => foreign.get(resource)?.has(name))
    .map(({ path, resource, name }): FieldFault => {
      const message = `${resource} ${JSON.stringify(name)} is not this namespace's own`
      return { field: path, reason: 'FieldValueForbidden', message }
    })
  if (faults.length > 0) throw invalidObject('Pod', call.name ?? '', faults)
}

async function foreignNames(
  call: KubeCall,
  { physicalName }: Pick<NamespaceRecord, 'physicalName'>,
  resource: PodReference['resource'],
): Promise<Set<string>> {
  try {
    const list = await call.client.json<{ items?: KubeObject[] | null }>({
      method: 'GET',
      path: ['api', 'v1', 'namespaces', physicalName, resource],
      query: { labelSelector: `!${NODE_LABEL}`, resourceVersion: '0' },
      headers: { accept: 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1' },
      signal: call.signal,
    })
    return new Set((list.items ?? []).map((object) => object.metadata?.name ?? ''))
  } catch (error) {
    throw errorForTenant(call.view, error, subjectOf(call))
  }
}
