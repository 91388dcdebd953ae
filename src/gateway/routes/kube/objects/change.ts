import { isKubeApiError } from '../../../../kube/client/types.ts'
import { IsthmusError } from '../../../../protocol/errors/index.ts'
import type { KubeObject } from '../../../kubernetes/objects.ts'
import { errorForTenant, invalidObject, objectNotFound } from '../../../kubernetes/upstream-errors.ts'
import { withKnownFields } from '../body.ts'
import { type KubeAnswer, type KubeCall, subjectOf, upstreamHeaders, upstreamPath } from '../call.ts'
import type { KubernetesFaceDeps } from '../deps.ts'
import { writeQuery } from '../query.ts'
import { render } from '../render.ts'
import { findNamespace } from '../tenant-namespace.ts'
import { codecOf } from './codec.ts'
import { readOwn } from './get.ts'
import { checkedName } from './names.ts'
import { inNamespace } from './prepare.ts'
import { shapeFaults } from './shape.ts'

/** So often a change that pinned no version is repeated when the object changed meanwhile, as API servers do. */
const ATTEMPTS = 5

/**
 * Changes one object: reads it, lets `change` make the tenant's new view of the old one, judges the difference
 * (rule 15), and PUTs the whole with the version that was read (rule 14).
 */
export async function changeObject(
  call: KubeCall,
  deps: KubernetesFaceDeps,
  change: (view: KubeObject) => KubeObject,
): Promise<KubeAnswer> {
  const name = checkedName(call)
  const query = writeQuery(call)
  const namespace = await findNamespace(deps.directory, call.principal.nodeId, call.namespace ?? '')
  if (namespace === undefined) throw objectNotFound(call.resource, name)
  for (let attempt = 1; ; attempt++) {
    const current = await readOwn(call, namespace, name)
    const body = changed(call, current, change)
    try {
      const made = await call.client.json<KubeObject>({
        method: 'PUT',
        path: upstreamPath(call, namespace.physicalName, name),
        query,
        headers: upstreamHeaders(call),
        body,
      })
      return { status: 200, body: render(call, codecOf(call.resource).toTenant(call.view, made)) }
    } catch (error) {
      if (attempt < ATTEMPTS && isKubeApiError(error, 409)) continue
      throw errorForTenant(call.view, error, subjectOf(call, name))
    }
  }
}

/** The object to PUT. @throws IsthmusError conflict when the tenant pinned another version, invalid, bad_request */
function changed(call: KubeCall, current: KubeObject, change: (view: KubeObject) => KubeObject): KubeObject {
  const codec = codecOf(call.resource)
  const view = codec.toTenant(call.view, current)
  const wanted = change(structuredClone(view))
  const result = inNamespace(call, withKnownFields(call, call.resource.kind, wanted))
  checkIdentity(call, view, result)
  const faults = shapeFaults(result)
  if (faults.length === 0) faults.push(...codec.faults(call.view, view, result))
  if (faults.length > 0) throw invalidObject(call.resource.kind, call.name ?? '', faults)
  const body = codec.changed(call.view, result, current)
  const { uid, resourceVersion } = current.metadata ?? {}
  return { ...body, metadata: { ...body.metadata, uid, resourceVersion } }
}

/** Kind, name, UID and version of the result must be those of the object. */
export function checkIdentity(call: KubeCall, view: KubeObject, result: KubeObject): void {
  if (result.kind !== view.kind || result.apiVersion !== view.apiVersion) {
    throw new IsthmusError('bad_request', `the result is no ${view.kind}`)
  }
  const { name, uid, resourceVersion } = result.metadata ?? {}
  if (name !== view.metadata?.name) {
    throw new IsthmusError(
      'bad_request',
      `the name of the object (${String(name ?? '').slice(0, 253)}) does not match the name on the URL (${call.name})`,
    )
  }
  const subject = { kind: call.resource.name, name }
  if (uid && uid !== view.metadata?.uid) {
    throw new IsthmusError(
      'conflict',
      `Operation cannot be fulfilled on ${call.resource.name} "${name}": Precondition failed: UID in precondition: ${uid}, UID in object meta: ${view.metadata?.uid}`,
      subject,
    )
  }
  if (resourceVersion && resourceVersion !== view.metadata?.resourceVersion) {
    throw new IsthmusError(
      'conflict',
      `Operation cannot be fulfilled on ${call.resource.name} "${name}": the object has been modified; please apply your changes to the latest version and try again`,
      subject,
    )
  }
}
