import { isKubeApiError } from '../../../../kube/client/types.ts'
import { IsthmusError } from '../../../../protocol/errors/index.ts'
import type { NamespaceRecord } from '../../../directory/index.ts'
import { namespaceForDataPlane, namespaceForTenant } from '../../../kubernetes/namespace-view.ts'
import type { KubeObject } from '../../../kubernetes/objects.ts'
import { errorForTenant } from '../../../kubernetes/upstream-errors.ts'
import { bindGatewayRole } from '../../../upstream/index.ts'
import { readObject, withKnownFields } from '../body.ts'
import { type KubeAnswer, type KubeCall, subjectOf, upstreamHeaders } from '../call.ts'
import type { KubernetesFaceDeps } from '../deps.ts'
import { withName } from '../objects/generate-name.ts'
import { isDryRun, writeQuery } from '../query.ts'
import { render } from '../render.ts'
import { checkedNew } from './check.ts'
import { makeUsable } from './make-usable.ts'

/**
 * POST of a namespace: the mapping is committed, the physical Namespace made, and the answer held back until the
 * gateway may work in it and pods can be made (rules 8 and 9).
 */
export async function createNamespace(call: KubeCall, deps: KubernetesFaceDeps): Promise<KubeAnswer> {
  const query = writeQuery(call)
  return makeNamespace(call, deps, readNew(call), (body) =>
    call.client.json<KubeObject>({
      method: 'POST',
      path: ['api', 'v1', 'namespaces'],
      query,
      headers: upstreamHeaders(call),
      body,
    }),
  )
}

/** Makes a namespace that the policy has let through, in the data plane by `submit`: a create, or an apply of a new one. */
export async function makeNamespace(
  call: KubeCall,
  deps: KubernetesFaceDeps,
  object: KubeObject,
  submit: (body: KubeObject) => Promise<KubeObject>,
): Promise<KubeAnswer> {
  const name = object.metadata?.name ?? ''
  if (isDryRun(call.query))
    return { status: 201, body: render(call, { ...object, status: { phase: 'Active' } }) }
  const record = await usableRecord(call, deps, name)
  let made: KubeObject
  try {
    made = await submit(namespaceForDataPlane(call.view, object, record.physicalName))
  } catch (error) {
    throw errorForTenant(call.view, error, subjectOf(call, name))
  }
  await stillMapped(call, deps, record)
  await makeUsable(call, deps, record)
  // The view may have been made before this replica's directory knew the record.
  const view = { ...call.view, namespaceOf: () => record }
  return { status: 201, body: render(call, namespaceForTenant(view, made) ?? object) }
}

function readNew(call: KubeCall): KubeObject {
  const read = readObject(call, { kind: 'Namespace', apiVersion: 'v1' })
  return checkedNew(call, withName(withKnownFields(call, 'Namespace', read)))
}

/**
 * The mapping for a namespace that is to be made. A mapping without a Namespace is new, or left over from one
 * whose DELETED event has not been handled: both are good to use, `stillMapped` sees to it afterwards.
 */
async function usableRecord(
  call: KubeCall,
  deps: KubernetesFaceDeps,
  name: string,
): Promise<NamespaceRecord> {
  const record = await deps.namespaces.ensure(call.principal.nodeId, name)
  let there: KubeObject
  try {
    there = await call.client.json({ method: 'GET', path: ['api', 'v1', 'namespaces', record.physicalName] })
    // A create that was cut off half way is finished by its retry.
    if (there.metadata?.deletionTimestamp === undefined)
      await bindGatewayRole(call.client, record.physicalName)
  } catch (error) {
    if (isKubeApiError(error, 404)) return record
    throw errorForTenant(call.view, error, subjectOf(call, name))
  }
  throw alreadyExists(name)
}

/**
 * The mapping may have been dropped between look-up and create, by the late DELETED event of a predecessor: then
 * what was just made belongs to nobody, and goes.
 */
async function stillMapped(call: KubeCall, deps: KubernetesFaceDeps, record: NamespaceRecord): Promise<void> {
  const now = await deps.namespaces.ensure(record.nodeId, record.name)
  if (now.physicalName === record.physicalName) return
  await call.client.json({ method: 'DELETE', path: ['api', 'v1', 'namespaces', record.physicalName] })
  throw new IsthmusError('conflict', `namespaces "${record.name}" was deleted meanwhile; try again`, {
    kind: 'namespaces',
    name: record.name,
  })
}

function alreadyExists(name: string): IsthmusError {
  return new IsthmusError('already_exists', `namespaces "${name}" already exists`, {
    kind: 'namespaces',
    name,
  })
}
