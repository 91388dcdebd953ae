import type { KnownItems } from '../../../kubernetes/known-items.ts'
import type { KubeObject } from '../../../kubernetes/objects.ts'
import { cellsOf, partialOf, rowOf } from '../../../kubernetes/table/rows.ts'
import { virtualNamespace } from '../../../kubernetes/view.ts'
import type { KubeCall } from '../call.ts'
import type { KubernetesFaceDeps } from '../deps.ts'
import { itemMapper } from './collection.ts'

/** The text of an item of a list; of a table's row the ages count from `nowMs`. */
export type ItemText = (nowMs: number) => string

/** How the items of this call are written; gives undefined for what the tenant does not have. */
export function itemRenderer(call: KubeCall): (object: KubeObject) => ItemText | undefined {
  const map = itemMapper(call)
  const { form, resource } = call
  return (object) => {
    const item = map(object)
    if (item === undefined) return undefined
    if (form.as === 'table') {
      const { cells: _, object: shown, ...rest } = rowOf(resource.kind, item, form.includeObject, call.nowMs)
      const tail = [
        ...Object.entries(rest).map(([field, value]) => `"${field}":${JSON.stringify(value)}`),
        ...(shown === undefined ? [] : [`"object":${JSON.stringify(shown)}`]),
      ]
      return (nowMs) =>
        `{${[`"cells":${JSON.stringify(cellsOf(resource.kind, item, nowMs))}`, ...tail].join()}}`
    }
    // Items of a typed list carry no kind of their own.
    const { kind: _, apiVersion: __, ...bare } = item
    const text = JSON.stringify(form.as === 'partial' ? partialOf(item) : bare)
    return () => text
  }
}

/**
 * What is remembered of lists like this one. Of pods alone, since only they are listed often and by the hundred
 * (agents' resyncs, `kubectl get pods -w`, dashboards); Secrets do not belong into a memory.
 */
export function knownItems(call: KubeCall, deps: KubernetesFaceDeps): KnownItems | undefined {
  const { form, resource, view } = call
  if (deps.items === undefined || resource.name !== 'pods') return undefined
  if (form.as === 'partial' || (form.as === 'table' && form.includeObject !== 'Metadata')) return undefined
  const { add, find } = deps.items.of([view.nodeId, view.nodeName, view.network, form.as].join(' '))
  // Whose a namespace is can change between two lists; the directory is asked each time, as for an item that is read.
  return {
    add,
    find: (item) => (virtualNamespace(view, item.namespace) === undefined ? undefined : find(item)),
  }
}
