import { isDeepStrictEqual } from 'node:util'
import { isKubeApiError } from '../../../../kube/client/types.ts'
import { type FieldFault, IsthmusError } from '../../../../protocol/errors/index.ts'
import { type Condition, isRecord, type KubeObject, type Pod } from '../../../kubernetes/objects.ts'
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
import { writeQuery } from '../query.ts'
import { render } from '../render.ts'
import { findNamespace } from '../tenant-namespace.ts'

const ATTEMPTS = 5

/**
 * PUT and PATCH of a pod's status: conditions that its readinessGates name, and nothing else. Upstream takes
 * `phase: Succeeded` from anyone who may write it, and the ledger must not hear that from a tenant (rule 16).
 */
export async function changePodStatus(call: KubeCall, deps: KubernetesFaceDeps): Promise<KubeAnswer> {
  const name = checkedName(call)
  const query = writeQuery(call)
  const change = call.verb === 'patch' ? patchOf(call) : replacement(call)
  const namespace = await findNamespace(deps.directory, call.principal.nodeId, call.namespace ?? '')
  if (namespace === undefined) throw objectNotFound(call.resource, name)
  for (let attempt = 1; ; attempt++) {
    const current = (await readOwn(call, namespace, name)) as Pod
    const shown = podForTenant(call.view, current)
    const wanted = inNamespace(call, withKnownFields(call, 'Pod', change(structuredClone(shown)))) as Pod
    checkIdentity(call, shown, wanted)
    const conditions = changedConditions(shown, wanted)
    try {
      const made = await call.client.json<Pod>({
        method: 'PATCH',
        path: upstreamPath(call, namespace.physicalName, name, 'status'),
        query,
        headers: { ...upstreamHeaders(call), 'content-type': 'application/strategic-merge-patch+json' },
        body: {
          metadata: { uid: current.metadata.uid, resourceVersion: current.metadata.resourceVersion },
          status: { conditions },
        },
      })
      return { status: 200, body: render(call, podForTenant(call.view, made)) }
    } catch (error) {
      if (attempt < ATTEMPTS && isKubeApiError(error, 409)) continue
      throw errorForTenant(call.view, error, subjectOf(call, name))
    }
  }
}

function replacement(call: KubeCall): (view: KubeObject) => KubeObject {
  const { status } = readObject(call, { kind: 'Pod', apiVersion: groupVersion(call.resource) })
  // A status update takes nothing but the status from its body.
  return (view) => ({ ...view, status })
}

/** The gates' conditions that differ, as a strategic merge patch. @throws IsthmusError invalid for anything else */
function changedConditions(shown: Pod, wanted: Pod): unknown[] {
  const gates = new Set((shown.spec.readinessGates ?? []).map((gate) => gate.conditionType))
  const { conditions: before, ...statusBefore } = shown.status ?? {}
  const { conditions: after, ...statusAfter } = wanted.status ?? {}
  const faults: FieldFault[] = []
  if (
    after &&
    !(Array.isArray(after) && after.every((one) => isRecord(one) && typeof one.type === 'string'))
  ) {
    throw new IsthmusError('bad_request', 'status.conditions must be a list of conditions')
  }
  for (const field of new Set([...Object.keys(statusBefore), ...Object.keys(statusAfter)])) {
    if (!isDeepStrictEqual(statusBefore[field], statusAfter[field])) faults.push(fault(`status.${field}`))
  }
  const old = byType(before)
  const now = byType(after)
  const changed: unknown[] = []
  for (const type of new Set([...old.keys(), ...now.keys()])) {
    if (isDeepStrictEqual(old.get(type), now.get(type))) continue
    if (!gates.has(type)) faults.push(fault(`status.conditions[${type}]`))
    else changed.push(now.get(type) ?? { $patch: 'delete', type })
  }
  if (faults.length > 0) throw invalidObject('Pod', shown.metadata.name ?? '', faults)
  return changed
}

function byType(conditions: readonly Condition[] | null | undefined): Map<string, Condition> {
  return new Map((conditions ?? []).map((condition) => [condition.type, condition]))
}

function fault(field: string): FieldFault {
  const message = 'the status is the data plane’s; only conditions of readinessGates may be set'
  return { field, reason: 'FieldValueForbidden', message }
}
