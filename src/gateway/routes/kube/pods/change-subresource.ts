import { isKubeApiError } from '../../../../kube/client/types.ts'
import type { NamespaceRecord } from '../../../directory/index.ts'
import type { KubeObject, Pod } from '../../../kubernetes/objects.ts'
import { podForTenant } from '../../../kubernetes/pod-view.ts'
import { groupVersion } from '../../../kubernetes/resources.ts'
import { errorForTenant, invalidObject, objectNotFound } from '../../../kubernetes/upstream-errors.ts'
import { readObject, withKnownFields } from '../body.ts'
import { type KubeAnswer, type KubeCall, subjectOf, upstreamHeaders, upstreamPath } from '../call.ts'
import type { KubernetesFaceDeps } from '../deps.ts'
import { checkIdentity } from '../objects/change.ts'
import { readOwn } from '../objects/get.ts'
import { checkedName } from '../objects/names.ts'
import { patchOf } from '../objects/patch.ts'
import { inNamespace } from '../objects/prepare.ts'
import { shapeFaults } from '../objects/shape.ts'
import { writeQuery } from '../query.ts'
import { render } from '../render.ts'
import { findNamespace } from '../tenant-namespace.ts'
import { podChangeFaults } from './policy.ts'

const ATTEMPTS = 5

/** What one write to a subresource does beside what all of them do. */
export interface SubresourceChange {
  /** The pod for the data plane: `current` with the part of `wanted` that this subresource takes. */
  merge(wanted: Pod, current: Pod): Pod
  /** Runs the write with whatever has to stand around it. */
  around?(current: Pod, body: Pod, write: () => Promise<Pod>): Promise<Pod>
}

/**
 * PUT or PATCH of a subresource that changes a pod's spec: like any change it is made on the tenant's view, judged
 * by its difference, and written with the version that was read (rules 14 and 15).
 */
export async function changeSubresource(
  call: KubeCall,
  deps: KubernetesFaceDeps,
  { merge, around }: SubresourceChange,
): Promise<KubeAnswer> {
  const name = checkedName(call)
  const query = writeQuery(call)
  const change = call.verb === 'patch' ? patchOf(call) : replacement(call)
  const namespace = await findNamespace(deps.directory, call.principal.nodeId, call.namespace ?? '')
  if (namespace === undefined) throw objectNotFound(call.resource, name)
  for (let attempt = 1; ; attempt++) {
    const current = (await readOwn(call, namespace, name)) as Pod
    const body = merge(judged(call, current, change), current)
    const write = () => put(call, namespace, query, body)
    try {
      const made = around === undefined ? await write() : await around(current, body, write)
      return { status: 200, body: render(call, podForTenant(call.view, made)) }
    } catch (error) {
      if (attempt < ATTEMPTS && isKubeApiError(error, 409)) continue
      throw errorForTenant(call.view, error, subjectOf(call, name))
    }
  }
}

function judged(call: KubeCall, current: Pod, change: (view: KubeObject) => KubeObject): Pod {
  const shown = podForTenant(call.view, current)
  const wanted = inNamespace(call, withKnownFields(call, 'Pod', change(structuredClone(shown)))) as Pod
  checkIdentity(call, shown, wanted)
  const faults = shapeFaults(wanted)
  if (faults.length === 0) faults.push(...podChangeFaults(call.view, shown, wanted))
  if (faults.length > 0) throw invalidObject('Pod', call.name ?? '', faults)
  return wanted
}

function put(
  call: KubeCall,
  namespace: NamespaceRecord,
  query: Record<string, string>,
  body: Pod,
): Promise<Pod> {
  return call.client.json<Pod>({
    method: 'PUT',
    path: upstreamPath(call, namespace.physicalName, call.name ?? '', call.subresource ?? ''),
    query,
    headers: upstreamHeaders(call),
    body,
  })
}

function replacement(call: KubeCall): (view: KubeObject) => KubeObject {
  const body = readObject(call, { kind: 'Pod', apiVersion: groupVersion(call.resource) })
  return () => structuredClone(body)
}
