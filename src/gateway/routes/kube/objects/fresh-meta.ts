import { NODE_LABEL } from '../../../kubernetes/keys.ts'
import type { ListMeta } from '../../../kubernetes/objects.ts'
import { errorForTenant } from '../../../kubernetes/upstream-errors.ts'
import { type KubeCall, subjectOf } from '../call.ts'

/**
 * Metadata of an empty list with the data plane's current resourceVersion, from which a watch can start: asked by
 * a list of pods that can find none, the one list that the gateway may do over all namespaces.
 */
export async function freshListMeta(call: KubeCall): Promise<ListMeta> {
  try {
    const list = await call.client.json<{ metadata?: ListMeta }>({
      method: 'GET',
      path: ['api', 'v1', 'pods'],
      query: { labelSelector: `${NODE_LABEL} in (${call.principal.nodeId}),!${NODE_LABEL}`, limit: 1 },
      signal: call.signal,
    })
    return { resourceVersion: list.metadata?.resourceVersion }
  } catch (error) {
    throw errorForTenant(call.view, error, subjectOf(call))
  }
}
