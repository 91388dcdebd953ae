import { ASKED_ANNOTATION, GATEWAY_PREFIX } from './keys.ts'
import { isRecord, type KubeObject, type PodSpec } from './objects.ts'

/**
 * What the tenant asked for, kept in an annotation of the object in the data plane, so that what admission there
 * adds (sidecars, volumes, labels, network annotations) can be told apart and hidden (rule 15). Names only.
 */
export interface Asked {
  labels: string[]
  annotations: string[]
  containers: string[]
  initContainers: string[]
  volumes: string[]
  /** Pod fields that the gateway sets itself, as the tenant wrote them; see `overriddenFields`. */
  spec: Record<string, unknown>
}

/** Fields of a pod's spec that the data plane gets another value for than the tenant asked. */
export const overriddenFields = [
  'automountServiceAccountToken',
  'enableServiceLinks',
  'dnsPolicy',
  'subdomain',
] as const

/** What Kubernetes itself shows where these were not set. */
const shownByDefault: Record<string, unknown> = { enableServiceLinks: true, dnsPolicy: 'ClusterFirst' }

/** Draws up the record from the tenant's own object. */
export function askedFor(object: KubeObject): Asked {
  const spec =
    object.kind === 'Pod' || isRecord(object.spec) ? (object.spec as PodSpec | undefined) : undefined
  return {
    labels: own(object.metadata?.labels),
    annotations: own(object.metadata?.annotations),
    containers: names(spec?.containers),
    initContainers: names(spec?.initContainers),
    volumes: names(spec?.volumes),
    spec: Object.fromEntries(
      overriddenFields.flatMap((field) => {
        const value = spec?.[field]
        return value === undefined || value === null ? [] : [[field, value]]
      }),
    ),
  }
}

/** Reads the record of an object in the data plane; undefined where there is none. */
export function readAsked(object: KubeObject): Asked | undefined {
  const text = object.metadata?.annotations?.[ASKED_ANNOTATION]
  if (text === undefined) return undefined
  try {
    const value: unknown = JSON.parse(text)
    if (!isRecord(value)) return undefined
    return {
      labels: strings(value.labels),
      annotations: strings(value.annotations),
      containers: strings(value.containers),
      initContainers: strings(value.initContainers),
      volumes: strings(value.volumes),
      spec: isRecord(value.spec) ? value.spec : {},
    }
  } catch {
    // Not ours then: only the gateway may write it. The object is shown without what the record would add.
    return undefined
  }
}

/** The record as the annotation's text; empty parts are left out. */
export function writeAsked(asked: Asked): string {
  return JSON.stringify(
    Object.fromEntries(Object.entries(asked).filter(([, part]) => Object.keys(part).length > 0)),
  )
}

/** The tenant's value of a field that the gateway sets itself. */
export function askedValue(asked: Asked, field: string): unknown {
  return Object.hasOwn(asked.spec, field) ? asked.spec[field] : shownByDefault[field]
}

function own(map: Record<string, string> | null | undefined): string[] {
  return Object.keys(map ?? {}).filter((key) => !key.startsWith(GATEWAY_PREFIX))
}

function names(list: readonly { name: string }[] | null | undefined): string[] {
  return (list ?? []).map((element) => element.name)
}

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((element) => typeof element === 'string') : []
}
