import type { EventObject, ObjectReference } from './objects.ts'
import { redactValue } from './redact.ts'
import { eventText } from './texts/event-texts.ts'
import { type TenantView, virtualNamespace } from './view.ts'

/** Kinds whose events are shown: the objects that a tenant has. */
const shownKinds = new Set(['Pod', 'Secret', 'ConfigMap'])

/** Components of Kubernetes that every cluster has; other reporters are the data plane's own and not named. */
const knownReporters = new Set([
  'kubelet',
  'default-scheduler',
  'kube-scheduler',
  'taint-eviction-controller',
])

const identifier = /^[A-Za-z][A-Za-z0-9]{0,127}$/

/**
 * An event of the data plane as the tenant sees it, for both APIs. Events carry no labels, so that the namespace
 * decides whose it is; the text is made anew from the reason, and the machine is the virtual node (rule 20).
 * undefined: not this node's, or of a kind that the tenant does not have.
 */
export function eventForTenant(view: TenantView, event: EventObject): EventObject | undefined {
  const namespace = virtualNamespace(view, event.metadata.namespace)
  const about = event.involvedObject ?? event.regarding
  if (namespace === undefined || about === undefined || !shownKinds.has(about.kind ?? '')) return undefined
  const metadata = {
    name: event.metadata.name,
    namespace,
    uid: event.metadata.uid,
    resourceVersion: event.metadata.resourceVersion,
    creationTimestamp: event.metadata.creationTimestamp,
  }
  const reason = identifier.test(event.reason ?? '') ? event.reason : 'Unknown'
  const text = eventText({
    reason,
    original: event.message ?? event.note ?? '',
    namespace,
    name: about.name ?? '',
    node: view.nodeName,
    fieldPath: about.fieldPath,
  })
  const shown: EventObject = {
    apiVersion: event.apiVersion,
    kind: 'Event',
    metadata,
    reason,
    type: event.type === 'Warning' ? 'Warning' : 'Normal',
    ...times(event),
    ...reporter(view, event),
  }
  const reference = referenceForTenant(about, namespace)
  if (event.involvedObject !== undefined) Object.assign(shown, { involvedObject: reference, message: text })
  else Object.assign(shown, { regarding: reference, note: text })
  return redactValue(view, shown, 'event')
}

/** Every field of the object that the event is about is the tenant's, but its namespace. */
function referenceForTenant(from: ObjectReference, namespace: string): ObjectReference {
  const { kind, name, uid, apiVersion, resourceVersion, fieldPath } = from
  const to = { kind, namespace, name, uid, apiVersion, resourceVersion, fieldPath }
  return Object.fromEntries(Object.entries(to).filter(([, value]) => value !== undefined))
}

const timeFields = [
  'eventTime',
  'firstTimestamp',
  'lastTimestamp',
  'count',
  'series',
  'action',
  'deprecatedFirstTimestamp',
  'deprecatedLastTimestamp',
  'deprecatedCount',
]

function times(event: EventObject): Record<string, unknown> {
  return Object.fromEntries(
    timeFields.filter((field) => event[field] !== undefined).map((f) => [f, event[f]]),
  )
}

function reporter(view: TenantView, event: EventObject): Record<string, unknown> {
  const shown: Record<string, unknown> = {}
  for (const field of ['source', 'deprecatedSource']) {
    const source = event[field] as { component?: string; host?: string } | undefined
    if (source === undefined) continue
    shown[field] = {
      ...(source.component ? { component: known(source.component) } : {}),
      ...(source.host ? { host: view.nodeName } : {}),
    }
  }
  for (const field of ['reportingComponent', 'reportingController']) {
    const name = event[field]
    if (typeof name === 'string') shown[field] = name === '' ? '' : known(name)
  }
  if (typeof event.reportingInstance === 'string') {
    shown.reportingInstance = event.reportingInstance === '' ? '' : view.nodeName
  }
  return shown
}

function known(component: string): string {
  return knownReporters.has(component) ? component : 'data-plane'
}
