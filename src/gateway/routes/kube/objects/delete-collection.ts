import type { KubeObject, ListMeta } from '../../../kubernetes/objects.ts'
import { groupVersion } from '../../../kubernetes/resources.ts'
import { errorForTenant } from '../../../kubernetes/upstream-errors.ts'
import { type KubeAnswer, type KubeCall, subjectOf, upstreamHeaders, upstreamPath } from '../call.ts'
import { readDeleteOptions } from '../delete-options.ts'
import type { KubernetesFaceDeps } from '../deps.ts'
import { findNamespace } from '../tenant-namespace.ts'
import { collectionQuery, itemMapper } from './collection.ts'

/** DELETE of a collection in one namespace (over all of them it is 405, rule 19): what is selected of this node's. */
export async function deleteCollection(call: KubeCall, deps: KubernetesFaceDeps): Promise<KubeAnswer> {
  const options = readDeleteOptions(call)
  const { resourceVersionMatch: _, timeoutSeconds: __, ...query } = collectionQuery(call, deps)
  const namespace = await findNamespace(deps.directory, call.principal.nodeId, call.namespace ?? '')
  if (namespace === undefined) return { status: 200, body: listBody(call, {}, []) }
  try {
    const list = await call.client.json<{ metadata?: ListMeta; items?: KubeObject[] | null }>({
      method: 'DELETE',
      path: upstreamPath(call, namespace.physicalName),
      query,
      headers: upstreamHeaders(call),
      body: options,
    })
    const map = itemMapper(call)
    const items = (list.items ?? []).map(map).filter((item) => item !== undefined)
    return { status: 200, body: listBody(call, { resourceVersion: list.metadata?.resourceVersion }, items) }
  } catch (error) {
    throw errorForTenant(call.view, error, subjectOf(call))
  }
}

function listBody(call: KubeCall, metadata: ListMeta, items: KubeObject[]): unknown {
  return { kind: `${call.resource.kind}List`, apiVersion: groupVersion(call.resource), metadata, items }
}
