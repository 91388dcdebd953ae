import { type Asked, askedFor, readAsked, writeAsked } from './asked.ts'
import {
  ASKED_ANNOTATION,
  GATEWAY_PREFIX,
  NAMESPACE_KEY,
  NODE_LABEL,
  OWNERS_ANNOTATION,
  TENANT_LABEL,
} from './keys.ts'
import type { KubeObject, ObjectMeta, OwnerReference } from './objects.ts'
import { type TenantView, virtualNamespace } from './view.ts'

/** Metadata that the tenant sees as it is; everything else is mapped or hidden. */
const plainFields = [
  'name',
  'generateName',
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
] as const

/** Whether an object of the data plane is this virtual node's: the label that every object of it carries. */
export function isOwn(view: TenantView, object: KubeObject): boolean {
  return object.metadata?.labels?.[NODE_LABEL] === view.nodeId
}

/**
 * The tenant's name of an object's namespace. The directory knows it; the last events of a namespace may come after
 * its mapping was dropped, and then the gateway's own key on the object, which nobody else can write, still says it.
 */
export function namespaceOfObject(view: TenantView, object: KubeObject): string | undefined {
  const known = virtualNamespace(view, object.metadata?.namespace)
  if (known !== undefined || !isOwn(view, object)) return known
  return object.metadata?.annotations?.[NAMESPACE_KEY]
}

/**
 * Metadata as the tenant sees it: its own namespace and owner references, without the gateway's keys, the labels
 * and annotations that the data plane added, finalizers and managedFields (rule 20: their keys name what is hidden).
 */
export function metadataForTenant(object: KubeObject, namespace: string | undefined): ObjectMeta {
  const from = object.metadata ?? {}
  const asked = readAsked(object)
  const to: ObjectMeta = {}
  for (const field of plainFields) if (from[field] !== undefined) Object.assign(to, { [field]: from[field] })
  if (namespace !== undefined) to.namespace = namespace
  const labels = visible(from.labels, asked?.labels)
  const annotations = visible(from.annotations, asked?.annotations)
  const owners = readOwners(from.annotations?.[OWNERS_ANNOTATION])
  if (labels !== undefined) to.labels = labels
  if (annotations !== undefined) to.annotations = annotations
  if (owners !== undefined) to.ownerReferences = owners
  return to
}

/**
 * Metadata for the data plane from what the tenant wrote. With `current` (the object there now) what the tenant
 * does not see is merged back (rule 15), without it the object is new.
 */
export function metadataForDataPlane(
  view: TenantView,
  object: KubeObject,
  physicalNamespace: string | undefined,
  current?: KubeObject,
): ObjectMeta {
  const from = object.metadata ?? {}
  const asked = askedFor(object)
  const to: ObjectMeta = { ...from }
  delete to.managedFields
  delete to.selfLink
  delete to.ownerReferences
  to.finalizers = current?.metadata?.finalizers ?? undefined
  to.ownerReferences = current?.metadata?.ownerReferences ?? undefined
  to.namespace = physicalNamespace
  const before = current === undefined ? undefined : readAsked(current)
  to.labels = {
    ...hidden(current?.metadata?.labels, before?.labels),
    ...mine(from.labels),
    [TENANT_LABEL]: view.tenantId,
    [NODE_LABEL]: view.nodeId,
  }
  to.annotations = {
    ...hidden(current?.metadata?.annotations, before?.annotations),
    ...mine(from.annotations),
    ...annotationsOf(asked, from.ownerReferences ?? undefined),
  }
  if (!from.ownerReferences?.length) delete to.annotations[OWNERS_ANNOTATION]
  return to
}

/** The gateway's own annotations of an object: the record of what was asked, and its owners. */
export function annotationsOf(
  asked: Asked,
  owners: readonly OwnerReference[] | undefined,
): Record<string, string> {
  return {
    [ASKED_ANNOTATION]: writeAsked(asked),
    ...(owners?.length ? { [OWNERS_ANNOTATION]: JSON.stringify(owners) } : {}),
  }
}

/** What the tenant sees: never the gateway's keys, and only those it asked for where that is on record. */
function visible(
  map: Record<string, string> | null | undefined,
  asked: readonly string[] | undefined,
): Record<string, string> | undefined {
  if (!map) return undefined
  const known = asked === undefined ? undefined : new Set(asked)
  const entries = Object.entries(map).filter(
    ([key]) => !key.startsWith(GATEWAY_PREFIX) && (known === undefined || known.has(key)),
  )
  return entries.length > 0 ? Object.fromEntries(entries) : undefined
}

/** What the tenant does not see. */
function hidden(
  map: Record<string, string> | null | undefined,
  asked: readonly string[] | undefined,
): Record<string, string> {
  const shown = visible(map, asked) ?? {}
  return Object.fromEntries(Object.entries(map ?? {}).filter(([key]) => !Object.hasOwn(shown, key)))
}

function mine(map: Record<string, string> | null | undefined): Record<string, string> {
  return Object.fromEntries(Object.entries(map ?? {}).filter(([key]) => !key.startsWith(GATEWAY_PREFIX)))
}

function readOwners(text: string | undefined): OwnerReference[] | undefined {
  if (text === undefined) return undefined
  try {
    const value: unknown = JSON.parse(text)
    return Array.isArray(value) ? (value as OwnerReference[]) : undefined
  } catch {
    // Only the gateway writes this annotation: one that does not parse has been tampered with in the data plane.
    return undefined
  }
}
