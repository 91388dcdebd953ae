import type { KubeObject } from '../../../kubernetes/objects.ts'
import { errorForTenant, objectNotFound } from '../../../kubernetes/upstream-errors.ts'
import { type KubeAnswer, type KubeCall, subjectOf, upstreamHeaders, upstreamPath } from '../call.ts'
import { readDeleteOptions } from '../delete-options.ts'
import type { KubernetesFaceDeps } from '../deps.ts'
import { render } from '../render.ts'
import { findNamespace } from '../tenant-namespace.ts'
import { codecOf } from './codec.ts'
import { readOwn } from './get.ts'
import { checkedName } from './names.ts'

/** DELETE of one object, pinned to the UID that was seen to be this node's. */
export async function deleteObject(call: KubeCall, deps: KubernetesFaceDeps): Promise<KubeAnswer> {
  const name = checkedName(call)
  const options = readDeleteOptions(call)
  const namespace = await findNamespace(deps.directory, call.principal.nodeId, call.namespace ?? '')
  if (namespace === undefined) throw objectNotFound(call.resource, name)
  const current = await readOwn(call, namespace, name)
  try {
    const gone = await call.client.json<KubeObject>({
      method: 'DELETE',
      path: upstreamPath(call, namespace.physicalName, name),
      headers: upstreamHeaders(call),
      body: { ...options, preconditions: { uid: current.metadata?.uid, ...options.preconditions } },
    })
    return { status: 200, body: deletedBody(call, gone, current) }
  } catch (error) {
    throw errorForTenant(call.view, error, subjectOf(call, name))
  }
}

/** The object where it is still there (a pod with its grace), else the Status of success. */
export function deletedBody(call: KubeCall, gone: KubeObject, current: KubeObject): unknown {
  if (gone.kind !== 'Status') return render(call, codecOf(call.resource).toTenant(call.view, gone))
  const { name, uid } = current.metadata ?? {}
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    details: { name, kind: call.resource.name, uid },
  }
}
