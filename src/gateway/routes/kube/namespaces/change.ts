import { isKubeApiError } from '../../../../kube/client/types.ts'
import { namespaceForDataPlane } from '../../../kubernetes/namespace-view.ts'
import type { KubeObject } from '../../../kubernetes/objects.ts'
import { errorForTenant, invalidObject } from '../../../kubernetes/upstream-errors.ts'
import { mediaType, readObject, withKnownFields } from '../body.ts'
import { type KubeAnswer, type KubeCall, subjectOf, upstreamHeaders } from '../call.ts'
import type { KubernetesFaceDeps } from '../deps.ts'
import { checkIdentity } from '../objects/change.ts'
import { patchOf } from '../objects/patch.ts'
import { APPLY_TYPE } from '../objects/read-apply.ts'
import { writeQuery } from '../query.ts'
import { render } from '../render.ts'
import { applyNamespace } from './apply.ts'
import { changeFaults } from './check.ts'
import { readNamespace, shownNamespace } from './find.ts'

const ATTEMPTS = 5

/** PUT of a virtual namespace: its labels and annotations. */
export async function updateNamespace(call: KubeCall, deps: KubernetesFaceDeps): Promise<KubeAnswer> {
  const body = readObject(call, { kind: 'Namespace', apiVersion: 'v1' })
  return changeNamespace(call, deps, () => structuredClone(body))
}

/** PATCH of a virtual namespace, in all four types. */
export async function patchNamespace(call: KubeCall, deps: KubernetesFaceDeps): Promise<KubeAnswer> {
  if (mediaType(call.contentType) === APPLY_TYPE) return applyNamespace(call, deps)
  return changeNamespace(call, deps, patchOf(call))
}

/** Like any change (objects/change.ts): on the tenant's view, judged by its difference, PUT with the version read. */
async function changeNamespace(
  call: KubeCall,
  deps: KubernetesFaceDeps,
  change: (view: KubeObject) => KubeObject,
): Promise<KubeAnswer> {
  const query = writeQuery(call)
  for (let attempt = 1; ; attempt++) {
    const current = await readNamespace(call, deps)
    const body = changed(call, current, change)
    try {
      const made = await call.client.json<KubeObject>({
        method: 'PUT',
        path: ['api', 'v1', 'namespaces', current.metadata?.name ?? ''],
        query,
        headers: upstreamHeaders(call),
        body,
      })
      return { status: 200, body: render(call, shownNamespace(call, made)) }
    } catch (error) {
      if (attempt < ATTEMPTS && isKubeApiError(error, 409)) continue
      throw errorForTenant(call.view, error, subjectOf(call))
    }
  }
}

function changed(call: KubeCall, current: KubeObject, change: (view: KubeObject) => KubeObject): KubeObject {
  const view = shownNamespace(call, current)
  const result = withKnownFields(call, 'Namespace', change(structuredClone(view)))
  checkIdentity(call, view, result)
  const faults = changeFaults(call, view, result)
  if (faults.length > 0) throw invalidObject('Namespace', call.name ?? '', faults)
  const body = namespaceForDataPlane(call.view, result, current.metadata?.name ?? '', current)
  const { uid, resourceVersion } = current.metadata ?? {}
  return { ...body, metadata: { ...body.metadata, uid, resourceVersion } }
}
