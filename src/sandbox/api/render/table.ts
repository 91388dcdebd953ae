import type { KubeObject } from '../../store/types.ts'
import { genericColumns } from '../resources/columns.ts'
import type { ResourceDefinition } from '../resources/definition.ts'
import { partialMetadata } from './partial.ts'

/** `includeObject` of metav1.TableOptions. */
export type IncludeObject = 'None' | 'Metadata' | 'Object'

export interface TableMeta {
  resourceVersion: string
  continue?: string
  remainingItemCount?: number
}

/** metav1.Table of some objects. `withHeaders` is false for all but a watch's first event. */
export function toTable(
  definition: ResourceDefinition,
  objects: readonly KubeObject[],
  metadata: TableMeta,
  options: { include: IncludeObject; nowMs: number; withHeaders: boolean },
): Record<string, unknown> {
  const shown = definition.columns.length > 0 ? definition.columns : genericColumns
  const headers = shown.map(({ name, type, format, priority }) => ({
    name,
    type,
    format: format ?? '',
    description: name,
    priority,
  }))
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata,
    columnDefinitions: options.withHeaders ? headers : null,
    rows: objects.map((object) => ({
      cells: shown.map((each) => cell(each.cell, object, options.nowMs)),
      ...row(object, options.include),
    })),
  }
}

function row(object: KubeObject, include: IncludeObject): { object?: unknown } {
  if (include === 'None') return {}
  return { object: include === 'Object' ? object : partialMetadata(object) }
}

/** A bookmark has nothing but a version: its cells are empty, and no column may fail for that. */
function cell(
  read: (object: KubeObject, nowMs: number) => string | number | boolean,
  object: KubeObject,
  nowMs: number,
): string | number | boolean {
  try {
    return read(object, nowMs) ?? ''
  } catch {
    return ''
  }
}
