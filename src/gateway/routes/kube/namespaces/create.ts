import type { V1ObjectMeta } from '@kubernetes/client-node'
import { isKubeApiError } from '../../../../kube/client/types.ts'
import { isDnsLabel } from '../../../../kube/names.ts'
import { type FieldFault, IsthmusError } from '../../../../protocol/errors/index.ts'
import type { NamespaceRecord } from '../../../directory/index.ts'
import { namespaceForDataPlane, namespaceForTenant } from '../../../kubernetes/namespace-view.ts'
import type { KubeObject } from '../../../kubernetes/objects.ts'
import { errorForTenant, invalidObject } from '../../../kubernetes/upstream-errors.ts'
import { checkMetadataChange } from '../../../policy/index.ts'
import { readObject, withKnownFields } from '../body.ts'
import { type KubeAnswer, type KubeCall, subjectOf, upstreamHeaders } from '../call.ts'
import type { KubernetesFaceDeps } from '../deps.ts'
import { withName } from '../objects/generate-name.ts'
import { shapeFaults } from '../objects/shape.ts'
import { isDryRun, writeQuery } from '../query.ts'
import { render } from '../render.ts'
import { bindGatewayRole, makeUsable } from './make-usable.ts'

/**
 * POST of a namespace: the mapping is committed, the physical Namespace made, and the answer held back until the
 * gateway may work in it and pods can be made (rules 8 and 9).
 */
export async function createNamespace(call: KubeCall, deps: KubernetesFaceDeps): Promise<KubeAnswer> {
  const object = readNew(call)
  const name = object.metadata?.name ?? ''
  const query = writeQuery(call)
  if (isDryRun(call.query))
    return { status: 201, body: render(call, { ...object, status: { phase: 'Active' } }) }
  const record = await usableRecord(call, deps, name)
  let made: KubeObject
  try {
    made = await call.client.json<KubeObject>({
      method: 'POST',
      path: ['api', 'v1', 'namespaces'],
      query,
      headers: upstreamHeaders(call),
      body: namespaceForDataPlane(call.view, object, record.physicalName),
    })
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
  const object = withName(withKnownFields(call, 'Namespace', read))
  const name = object.metadata?.name
  const shape = shapeFaults(object)
  const faults = shape.length > 0 ? shape : checkMetadataChange(undefined, object.metadata as V1ObjectMeta)
  if (!isDnsLabel(name)) faults.unshift(nameFault(name))
  faults.push(...podSecurityFaults(object))
  if (faults.length > 0) throw invalidObject('Namespace', String(name ?? ''), faults)
  return { apiVersion: 'v1', kind: 'Namespace', metadata: object.metadata }
}

function nameFault(name: unknown): FieldFault {
  const shown = typeof name === 'string' ? JSON.stringify(name.slice(0, 63)) : typeof name
  return {
    field: 'metadata.name',
    reason: name === undefined || name === '' ? 'FieldValueRequired' : 'FieldValueInvalid',
    message: `${shown}: a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character`,
  }
}

/** How strict admission is in the data plane is its operator's to say (rule 8). */
function podSecurityFaults(object: KubeObject): FieldFault[] {
  return Object.keys(object.metadata?.labels ?? {})
    .filter((key) => key.startsWith('pod-security.kubernetes.io/'))
    .map((key) => ({
      field: `metadata.labels[${key}]`,
      reason: 'FieldValueForbidden',
      message: 'pod security is set by the data plane',
    }))
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
