import { type Asked, askedFor, overriddenFields, readAsked, writeAsked } from './asked.ts'
import {
  ASKED_ANNOTATION,
  NAMESPACE_KEY,
  NODE_LABEL,
  NODE_NAME_ANNOTATION,
  OWNERS_ANNOTATION,
  RESERVATION_LABEL,
  TENANT_LABEL,
} from './keys.ts'
import type { Container, KubeObject, Pod, PodSpec } from './objects.ts'

/** The gateway's own keys of an object that is there: an apply names them with the values they have. */
const keptLabels = [TENANT_LABEL, NODE_LABEL, RESERVATION_LABEL, NAMESPACE_KEY]
const keptAnnotations = [NAMESPACE_KEY, NODE_NAME_ANNOTATION]

/**
 * An apply configuration for an object that is there, in the data plane's names. What the gateway sets is named with
 * the values that it has: a manager that stopped naming it would take it away (rule 14). Without the record of
 * what was asked, which changes with every manager and would conflict.
 */
export function configForDataPlane(config: KubeObject, current: KubeObject): KubeObject {
  const owners = config.metadata?.ownerReferences
  const body: KubeObject = {
    ...config,
    metadata: {
      name: current.metadata?.name,
      namespace: current.metadata?.namespace,
      uid: current.metadata?.uid,
      resourceVersion: current.metadata?.resourceVersion,
      labels: { ...config.metadata?.labels, ...pick(current.metadata?.labels, keptLabels) },
      annotations: {
        ...config.metadata?.annotations,
        ...pick(current.metadata?.annotations, keptAnnotations),
        ...(owners?.length ? { [OWNERS_ANNOTATION]: JSON.stringify(owners) } : {}),
      },
    },
  }
  if (current.kind === 'Pod' && config.spec) body.spec = specConfig(config as Pod, current as Pod)
  return body
}

function specConfig(config: Pod, current: Pod): PodSpec {
  const spec: PodSpec = { ...config.spec }
  delete spec.nodeName
  for (const field of overriddenFields) {
    delete spec[field]
    if (current.spec[field] !== undefined) Object.assign(spec, { [field]: current.spec[field] })
  }
  if (spec.terminationGracePeriodSeconds === 0)
    spec.terminationGracePeriodSeconds = current.spec.terminationGracePeriodSeconds
  const withRequests = (list: Container[] | null | undefined, now: Container[] | null | undefined) =>
    list?.map((container) =>
      keptRequests(
        container,
        now?.find(({ name }) => name === container.name),
      ),
    )
  const containers = withRequests(config.spec.containers, current.spec.containers)
  const initContainers = withRequests(config.spec.initContainers, current.spec.initContainers)
  if (containers) spec.containers = containers
  if (initContainers) spec.initContainers = initContainers
  return spec
}

/** Requests that the gateway's defaults gave the container belong to the applied set as well. */
function keptRequests(container: Container, current: Container | undefined): Container {
  const { requests, limits } = container.resources ?? {}
  const kept = Object.entries(current?.resources?.requests ?? {}).filter(
    ([resource]) => requests?.[resource] === undefined && limits?.[resource] === undefined,
  )
  if (kept.length === 0) return container
  return {
    ...container,
    resources: { ...container.resources, requests: { ...requests, ...Object.fromEntries(kept) } },
  }
}

/** The record after an apply: what was asked before and now, as far as the result still has it. */
export function askedAfterApply(config: KubeObject, current: KubeObject, result: KubeObject): Asked {
  const before = readAsked(current) ?? askedFor(current)
  const now = askedFor(config)
  const still = (names: readonly string[], map: Record<string, string> | null | undefined) =>
    names.filter((name) => map?.[name] !== undefined)
  return {
    ...before,
    labels: still(union(before.labels, now.labels), result.metadata?.labels),
    annotations: still(union(before.annotations, now.annotations), result.metadata?.annotations),
  }
}

/** The object with the given record of what was asked. */
export function withAsked<T extends KubeObject>(object: T, asked: Asked): T {
  const annotations = { ...object.metadata?.annotations, [ASKED_ANNOTATION]: writeAsked(asked) }
  return { ...object, metadata: { ...object.metadata, annotations } }
}

function pick(
  map: Record<string, string> | null | undefined,
  keys: readonly string[],
): Record<string, string> {
  return Object.fromEntries(keys.flatMap((key) => (map?.[key] === undefined ? [] : [[key, map[key]]])))
}

function union(a: readonly string[], b: readonly string[]): string[] {
  return [...new Set([...a, ...b])]
}
