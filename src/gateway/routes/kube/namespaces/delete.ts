import { namespaceForTenant } from '../../../kubernetes/namespace-view.ts'
import type { KubeObject } from '../../../kubernetes/objects.ts'
import { errorForTenant } from '../../../kubernetes/upstream-errors.ts'
import { type KubeAnswer, type KubeCall, subjectOf, upstreamHeaders } from '../call.ts'
import { readDeleteOptions } from '../delete-options.ts'
import type { KubernetesFaceDeps } from '../deps.ts'
import { render } from '../render.ts'
import { readNamespace } from './find.ts'

/**
 * DELETE of a virtual namespace: the physical one goes, with everything in it. The mapping is dropped after its
 * DELETED event, by whoever watches the cluster (rule 8).
 */
export async function deleteNamespace(call: KubeCall, deps: KubernetesFaceDeps): Promise<KubeAnswer> {
  const options = readDeleteOptions(call)
  const current = await readNamespace(call, deps)
  const physicalName = current.metadata?.name ?? ''
  try {
    const gone = await call.client.json<KubeObject>({
      method: 'DELETE',
      path: ['api', 'v1', 'namespaces', physicalName],
      headers: upstreamHeaders(call),
      body: { ...options, preconditions: { uid: current.metadata?.uid, ...options.preconditions } },
    })
    const shown = gone.kind === 'Namespace' ? namespaceForTenant(call.view, gone) : undefined
    const details = { name: call.name, kind: 'namespaces', uid: current.metadata?.uid }
    const success = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details }
    return { status: 200, body: shown === undefined ? success : render(call, shown) }
  } catch (error) {
    throw errorForTenant(call.view, error, subjectOf(call))
  }
}
