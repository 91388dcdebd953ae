import type { KubeObject } from '../../../kubernetes/objects.ts'
import { plainForDataPlane } from '../../../kubernetes/plain-view.ts'
import { errorForTenant } from '../../../kubernetes/upstream-errors.ts'
import { type KubeAnswer, type KubeCall, subjectOf, upstreamHeaders, upstreamPath } from '../call.ts'
import type { KubernetesFaceDeps } from '../deps.ts'
import { writeQuery } from '../query.ts'
import { render } from '../render.ts'
import { requireNamespace } from '../tenant-namespace.ts'
import { codecOf } from './codec.ts'
import { readNewObject } from './prepare.ts'

/** POST of a ConfigMap or Secret. */
export async function createObject(call: KubeCall, deps: KubernetesFaceDeps): Promise<KubeAnswer> {
  const object = readNewObject(call)
  const query = writeQuery(call)
  const { physicalName } = await requireNamespace(deps.directory, call)
  try {
    const made = await call.client.json<KubeObject>({
      method: 'POST',
      path: upstreamPath(call, physicalName),
      query,
      headers: upstreamHeaders(call),
      body: plainForDataPlane(call.view, object, physicalName),
    })
    return { status: 201, body: render(call, codecOf(call.resource).toTenant(call.view, made)) }
  } catch (error) {
    throw errorForTenant(call.view, error, subjectOf(call, object.metadata?.name))
  }
}
