import { readers, readPath } from '../../store/traits.ts'
import type { KubeObject, NewKubeObject } from '../../store/types.ts'
import { define } from './definition.ts'
import { eventColumns } from './other-columns.ts'

/** What events are selected by; `involvedObject.*` is what kubectl describe uses. */
export const eventFields = {
  ...readers('involvedObject.kind', 'involvedObject.namespace', 'involvedObject.name', 'involvedObject.uid'),
  ...readers('involvedObject.apiVersion', 'involvedObject.resourceVersion', 'involvedObject.fieldPath'),
  ...readers('reason', 'type'),
  reportingComponent: readPath('reportingComponent'),
  source: readPath('source.component'),
}

/** Core field → events.k8s.io/v1 field, where the names differ. */
const renamed: readonly (readonly [string, string])[] = [
  ['involvedObject', 'regarding'],
  ['message', 'note'],
  ['reportingComponent', 'reportingController'],
  ['source', 'deprecatedSource'],
  ['firstTimestamp', 'deprecatedFirstTimestamp'],
  ['lastTimestamp', 'deprecatedLastTimestamp'],
  ['count', 'deprecatedCount'],
]

function rename(object: Record<string, unknown>, from: 0 | 1, to: 0 | 1): Record<string, unknown> {
  const names = new Map(renamed.map((pair) => [pair[from], pair[to]]))
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [names.get(key) ?? key, value]))
}

/** events.k8s.io/v1 shows the core events under other names. */
export const eventsV1 = define({
  group: 'events.k8s.io',
  version: 'v1',
  kind: 'Event',
  plural: 'events',
  shortNames: ['ev'],
  storage: 'events',
  fields: eventFields,
  columns: eventColumns,
  convert: {
    fromStorage: (event) => ({ ...rename(event, 0, 1), apiVersion: 'events.k8s.io/v1' }) as KubeObject,
    toStorage: (event) => ({ ...rename(event, 1, 0), apiVersion: 'v1' }) as NewKubeObject,
  },
})
