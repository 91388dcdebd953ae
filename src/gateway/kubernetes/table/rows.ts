import type { EventObject, KubeObject, Pod } from '../objects.ts'
import { isRecord } from '../objects.ts'
import { since } from './age.ts'
import { type Column, columnsByKind } from './columns.ts'
import { podCells } from './pod-row.ts'

export type { Column }

/** metav1.TableRow. */
export interface TableRow {
  cells: (string | number)[]
  conditions?: { type: string; status: string; reason: string; message: string }[]
  object?: unknown
}

export type IncludeObject = 'None' | 'Metadata' | 'Object'

/** Columns of a kind's table. */
export function columnsOf(kind: string): readonly Column[] {
  return columnsByKind[kind] ?? []
}

/** The row of an object, which must be the tenant's view of it: nothing that the data plane prints is used. */
export function rowOf(kind: string, object: KubeObject, include: IncludeObject, nowMs: number): TableRow {
  const row: TableRow = { cells: cellsOf(kind, object, nowMs) }
  const phase = kind === 'Pod' ? (object as Pod).status?.phase : undefined
  if (phase === 'Succeeded' || phase === 'Failed') {
    row.conditions = [
      { type: 'Completed', status: 'True', reason: phase, message: `The pod has ${ended(phase)}.` },
    ]
  }
  if (include === 'Metadata') row.object = partialOf(object)
  else if (include === 'Object') row.object = object
  return row
}

/** metav1.PartialObjectMetadata of an object. */
export function partialOf(object: KubeObject): KubeObject {
  return { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata }
}

function ended(phase: string): string {
  return phase === 'Succeeded' ? 'completed successfully' : 'failed'
}

/** The cells of an object's row; ages are counted to `nowMs`. */
export function cellsOf(kind: string, object: KubeObject, nowMs: number): (string | number)[] {
  const name = object.metadata?.name ?? ''
  const age = since(object.metadata?.creationTimestamp, nowMs)
  switch (kind) {
    case 'Pod':
      return podCells(object as Pod, nowMs)
    case 'ConfigMap':
      return [name, String(count(object.data) + count(object.binaryData)), age]
    case 'Secret':
      return [name, String(object.type ?? 'Opaque'), String(count(object.data)), age]
    case 'Namespace':
      return [name, (object.status as { phase?: string } | undefined)?.phase ?? '', age]
    default:
      return eventCells(object as EventObject, nowMs)
  }
}

function count(map: unknown): number {
  return isRecord(map) ? Object.keys(map).length : 0
}

/** printEvent of Kubernetes' printers, for both APIs' events. */
function eventCells(event: EventObject, nowMs: number): (string | number)[] {
  const about = event.involvedObject ?? event.regarding
  const series = event.series as { count?: number; lastObservedTime?: string } | undefined
  const first = text(event.firstTimestamp) ?? text(event.deprecatedFirstTimestamp) ?? text(event.eventTime)
  const last =
    series?.lastObservedTime ?? text(event.lastTimestamp) ?? text(event.deprecatedLastTimestamp) ?? first
  const source = (event.source ?? event.deprecatedSource) as { component?: string; host?: string } | undefined
  const reporter = source?.component
    ? [source.component, source.host].filter(Boolean).join(', ')
    : [text(event.reportingComponent) ?? text(event.reportingController), text(event.reportingInstance)]
        .filter(Boolean)
        .join(', ')
  return [
    since(last, nowMs),
    event.type ?? '',
    event.reason ?? '',
    `${(about?.kind ?? '').toLowerCase()}${about?.name ? `/${about.name}` : ''}`,
    about?.fieldPath ?? '',
    reporter,
    (event.message ?? event.note ?? '').trim(),
    since(first, nowMs),
    String(series?.count ?? event.count ?? event.deprecatedCount ?? 1),
    event.metadata.name ?? '',
  ]
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
