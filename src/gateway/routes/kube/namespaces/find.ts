import { isDnsLabel } from '../../../../kube/names.ts'
import { isOwn } from '../../../kubernetes/metadata.ts'
import { namespaceForTenant } from '../../../kubernetes/namespace-view.ts'
import type { KubeObject } from '../../../kubernetes/objects.ts'
import { errorForTenant, namespaceNotFound } from '../../../kubernetes/upstream-errors.ts'
import { type KubeCall, subjectOf, upstreamHeaders } from '../call.ts'
import type { KubernetesFaceDeps } from '../deps.ts'
import { findNamespace } from '../tenant-namespace.ts'

/** The physical Namespace behind the call's name. @throws IsthmusError not_found, in the same bytes for any reason */
export async function readNamespace(call: KubeCall, deps: KubernetesFaceDeps): Promise<KubeObject> {
  const name = call.name ?? ''
  if (!isDnsLabel(name)) throw namespaceNotFound(name)
  const record = await findNamespace(deps.directory, call.principal.nodeId, name)
  if (record === undefined) throw namespaceNotFound(name)
  try {
    const object = await call.client.json<KubeObject>({
      method: 'GET',
      path: ['api', 'v1', 'namespaces', record.physicalName],
      headers: upstreamHeaders(call),
      signal: call.signal,
    })
    if (isOwn(call.view, object)) return object
  } catch (error) {
    throw errorForTenant(call.view, error, subjectOf(call, name))
  }
  throw namespaceNotFound(name)
}

/** The tenant's view of its namespace. @throws IsthmusError not_found where it is not this node's any more */
export function shownNamespace(call: KubeCall, object: KubeObject): KubeObject {
  const shown = namespaceForTenant(call.view, object)
  if (shown === undefined) throw namespaceNotFound(call.name ?? '')
  return shown
}
