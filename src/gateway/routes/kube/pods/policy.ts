import { isDeepStrictEqual } from 'node:util'
import type { V1Pod } from '@kubernetes/client-node'
import type { FieldFault } from '../../../../protocol/errors/index.ts'
import { overriddenFields } from '../../../kubernetes/asked.ts'
import { mountFaults } from '../../../kubernetes/hidden.ts'
import type { Pod } from '../../../kubernetes/objects.ts'
import type { TenantView } from '../../../kubernetes/view.ts'
import { checkPodChange, checkPodCreate } from '../../../policy/index.ts'

/**
 * The policy's word on a pod that is created (no `current`) or changed; both are the tenant's view. The virtual
 * node's own name in `spec.nodeName` is no choice of a node.
 */
export function podChangeFaults(view: TenantView, current: Pod | undefined, result: Pod): FieldFault[] {
  if (current === undefined) {
    const own = (result.spec?.volumes ?? []).map(({ name }) => name)
    return [
      ...checkPodCreate(withoutOwnNode(view, result) as unknown as V1Pod, view.reservedKeys),
      ...mountFaults(result, own),
    ]
  }
  const faults = checkPodChange(current as unknown as V1Pod, result as unknown as V1Pod, view.reservedKeys)
  return [...faults, ...overriddenFaults(current, result)]
}

function withoutOwnNode(view: TenantView, pod: Pod): Pod {
  if (pod.spec?.nodeName !== view.nodeName) return pod
  const { nodeName: _, ...spec } = pod.spec
  return { ...pod, spec }
}

/** What the gateway sets itself can not change later: the data plane has another value and would not say so. */
function overriddenFaults(current: Pod, result: Pod): FieldFault[] {
  return overriddenFields
    .filter((field) => !isDeepStrictEqual(current.spec[field] ?? undefined, result.spec[field] ?? undefined))
    .map((field) => ({
      field: `spec.${field}`,
      reason: 'FieldValueForbidden',
      message: 'pod updates may not change this field',
    }))
}
