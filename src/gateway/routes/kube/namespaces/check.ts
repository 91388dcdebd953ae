import { isDeepStrictEqual } from 'node:util'
import type { V1ObjectMeta } from '@kubernetes/client-node'
import { isDnsLabel } from '../../../../kube/names.ts'
import type { FieldFault } from '../../../../protocol/errors/index.ts'
import { NAMESPACE_NAME_LABEL } from '../../../kubernetes/keys.ts'
import { isRecord, type KubeObject } from '../../../kubernetes/objects.ts'
import { invalidObject } from '../../../kubernetes/upstream-errors.ts'
import { checkMetadataChange } from '../../../policy/index.ts'
import type { KubeCall } from '../call.ts'
import { shapeFaults } from '../objects/shape.ts'

const POD_SECURITY = 'pod-security.kubernetes.io/'

/** A namespace that is to be made, its metadata alone. @throws IsthmusError invalid, with all faults */
export function checkedNew(call: KubeCall, object: KubeObject): KubeObject {
  const name = object.metadata?.name
  const shape = shapeFaults(object)
  const faults =
    shape.length > 0
      ? shape
      : checkMetadataChange(undefined, object.metadata as V1ObjectMeta, call.view.reservedKeys)
  if (!isDnsLabel(name)) faults.unshift(nameFault(name))
  faults.push(...podSecurityFaults({}, object))
  if (faults.length > 0) throw invalidObject('Namespace', String(name ?? ''), faults)
  return { apiVersion: 'v1', kind: 'Namespace', metadata: object.metadata }
}

/**
 * What of a change the tenant may not make: only labels and annotations are its own. Kubernetes would silently keep
 * the phase and the finalizers as they are, which leaves whoever wrote them to wonder.
 */
export function changeFaults(call: KubeCall, view: KubeObject, result: KubeObject): FieldFault[] {
  return [
    ...shapeFaults(result),
    ...checkMetadataChange(
      view.metadata as V1ObjectMeta,
      result.metadata as V1ObjectMeta,
      call.view.reservedKeys,
    ),
    ...podSecurityFaults(view, result),
    ...keptFaults('spec.finalizers', view.spec, result.spec, 'finalizers'),
    ...keptFaults('status.phase', view.status, result.status, 'phase'),
    ...nameLabelFaults(result),
  ]
}

/** A field that is absent stays as it is. */
function keptFaults(path: string, before: unknown, after: unknown, field: string): FieldFault[] {
  const wanted = isRecord(after) ? after[field] : undefined
  if (wanted === undefined || wanted === null) return []
  if (isDeepStrictEqual(wanted, isRecord(before) ? before[field] : undefined)) return []
  const message = 'it is kept by the control plane; delete the namespace to end it'
  return [{ field: path, reason: 'FieldValueForbidden', message }]
}

/** Kubernetes keeps this label itself: absent is as good as right. */
function nameLabelFaults({ metadata }: KubeObject): FieldFault[] {
  const said = metadata?.labels?.[NAMESPACE_NAME_LABEL]
  if (said === undefined || said === metadata?.name) return []
  const field = `metadata.labels[${NAMESPACE_NAME_LABEL}]`
  return [{ field, reason: 'FieldValueInvalid', message: 'must be the name of the namespace' }]
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
function podSecurityFaults(before: KubeObject, after: KubeObject): FieldFault[] {
  const [old, now] = [before.metadata?.labels ?? {}, after.metadata?.labels ?? {}]
  return [...new Set([...Object.keys(old), ...Object.keys(now)])]
    .filter((key) => key.startsWith(POD_SECURITY) && old[key] !== now[key])
    .map((key) => ({
      field: `metadata.labels[${key}]`,
      reason: 'FieldValueForbidden',
      message: 'pod security is set by the data plane',
    }))
}
