import type { Pod } from '../../../kubernetes/objects.ts'
import { type KubeAnswer, type KubeCall, upstreamHeaders, upstreamPath } from '../call.ts'
import type { KubernetesFaceDeps } from '../deps.ts'
import { readNewObject } from '../objects/prepare.ts'
import { writeQuery } from '../query.ts'
import { requireNamespace } from '../tenant-namespace.ts'
import { makePod } from './make-pod.ts'

/** POST of a pod: policy, namespace, reservation, create in the data plane, commit. */
export async function createPod(call: KubeCall, deps: KubernetesFaceDeps): Promise<KubeAnswer> {
  const asked = readNewObject(call) as Pod
  const query = writeQuery(call)
  const namespace = await requireNamespace(deps.directory, call)
  return makePod(call, deps, namespace, asked, (pod) =>
    call.client.json<Pod>({
      method: 'POST',
      path: upstreamPath(call, namespace.physicalName),
      query,
      headers: upstreamHeaders(call),
      body: pod,
      // Not the call's signal: a client that leaves must not make the outcome unknown.
    }),
  )
}
