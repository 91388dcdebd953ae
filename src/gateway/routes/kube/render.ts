import type { KubeObject } from '../../kubernetes/objects.ts'
import { columnsOf, partialOf, rowOf } from '../../kubernetes/table/rows.ts'
import type { KubeCall } from './call.ts'

/** One object in the form that was asked for: itself, its metadata alone or a table of one row. */
export function render(call: KubeCall, object: KubeObject): unknown {
  const { form } = call
  if (form.as === 'object') return object
  if (form.as === 'partial') return partialOf(object)
  const { kind } = call.resource
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata: { resourceVersion: object.metadata?.resourceVersion },
    columnDefinitions: columnsOf(kind),
    rows: [rowOf(kind, object, form.includeObject, call.nowMs)],
  }
}
