import type { V1Container, V1Pod } from '@kubernetes/client-node'
import { IsthmusError } from '../protocol/errors/index.ts'
import { addList, maxList, parseList, type ResourceList } from './resource-list.ts'

/** What is read of a pod; an unchecked body will do, wrong types are refused with their path. */
export type PodResources = Pick<V1Pod, 'spec' | 'status'>

/** Amounts by Kubernetes' quota names (`pods`, `requests.cpu`, `limits.memory`, …) in thousandths of the unit. */
export type EffectiveAmounts = Map<string, bigint>

type Side = 'requests' | 'limits'
type Lists = Record<Side, ResourceList>

/**
 * What a pod takes of a quota: the amounts of Kubernetes' quota evaluator
 * (pkg/quota/v1/evaluator/core/pods.go, k8s.io/component-helpers/resource):
 * the containers together or the greatest moment of the start, whichever is more, sidecars counted throughout
 * (KEP-753), pod-level resources in place of the containers' sum (KEP-2837), overhead (KEP-688), and while a
 * resize is under way the greatest of what is asked, allocated and actuated (KEP-1287). A missing request is
 * its limit, since API servers default it so. Whether a pod counts at all (its phase) is the caller's to know.
 * @throws IsthmusError invalid, naming the field
 */
export function effectiveAmounts(pod: PodResources): EffectiveAmounts {
  const lists: Lists = { requests: new Map(), limits: new Map() }
  const infeasible = isResizeInfeasible(pod)
  const statuses = statusesByName(pod)

  const containers = listOf(pod.spec?.containers, 'spec.containers')
  const initContainers = listOf(pod.spec?.initContainers, 'spec.initContainers')
  const peak: Lists = { requests: new Map(), limits: new Map() }
  const sidecars: Lists = { requests: new Map(), limits: new Map() }

  containers.forEach((container, index) => {
    const own = containerLists(container, `spec.containers[${index}]`, statuses, infeasible)
    addLists(lists, own)
  })
  initContainers.forEach((container, index) => {
    const path = `spec.initContainers[${index}]`
    const restartable = container.restartPolicy === 'Always'
    const own = containerLists(container, path, restartable ? statuses : undefined, infeasible)
    if (restartable) {
      addLists(lists, own)
      addLists(sidecars, own)
    }
    for (const side of ['requests', 'limits'] as const) {
      const moment = new Map(sidecars[side])
      if (!restartable) addList(moment, own[side])
      maxList(peak[side], moment)
    }
  })
  for (const side of ['requests', 'limits'] as const) maxList(lists[side], peak[side])

  applyPodLevel(pod, lists, infeasible)
  applyOverhead(pod, lists)
  return toQuotaNames(lists)
}

function addLists(to: Lists, from: Lists): void {
  addList(to.requests, from.requests)
  addList(to.limits, from.limits)
}

function listOf(value: unknown, field: string): V1Container[] {
  if (value === undefined || value === null) return []
  if (Array.isArray(value) && value.every((item) => typeof item === 'object' && item !== null)) return value
  throw new IsthmusError('invalid', `${field}: must be a list of containers`, {
    causes: [{ field, reason: 'FieldValueTypeInvalid', message: 'must be a list of containers' }],
  })
}

interface Actuated {
  resources?: { requests?: unknown; limits?: unknown }
  allocatedResources?: unknown
}

function statusesByName(pod: PodResources): Map<string, Actuated> {
  const all = [...(pod.status?.containerStatuses ?? []), ...(pod.status?.initContainerStatuses ?? [])]
  return new Map(all.map((status) => [status.name, status]))
}

function isResizeInfeasible(pod: PodResources): boolean {
  const pending = pod.status?.conditions?.find((condition) => condition.type === 'PodResizePending')
  return pending?.reason === 'Infeasible'
}

function containerLists(
  container: V1Container,
  path: string,
  statuses: Map<string, Actuated> | undefined,
  infeasible: boolean,
): Lists {
  const limits = parseList(container.resources?.limits, `${path}.resources.limits`)
  const requests = new Map(limits)
  for (const [name, amount] of parseList(container.resources?.requests, `${path}.resources.requests`)) {
    requests.set(name, amount)
  }
  const status = statuses?.get(container.name)
  return status?.resources
    ? resized({ requests, limits }, status, `status of ${path}`, infeasible)
    : { requests, limits }
}

/** The greatest of spec, allocated and actuated; without the spec once the node said that it can never be. */
function resized(spec: Lists, status: Actuated, path: string, infeasible: boolean): Lists {
  const requests: ResourceList = infeasible ? new Map() : new Map(spec.requests)
  maxList(requests, parseList(status.resources?.requests, `${path}.resources.requests`))
  maxList(requests, parseList(status.allocatedResources, `${path}.allocatedResources`))
  const limits: ResourceList = infeasible ? new Map() : new Map(spec.limits)
  maxList(limits, parseList(status.resources?.limits, `${path}.resources.limits`))
  return { requests, limits }
}

const overcommittable = (name: string) => name === 'cpu' || name === 'memory'
const podLevel = (name: string) => overcommittable(name) || name.startsWith('hugepages-')

function applyPodLevel(pod: PodResources, lists: Lists, infeasible: boolean): void {
  const resources = pod.spec?.resources
  if (!resources) return
  const limits = parseList(resources.limits, 'spec.resources.limits')
  const requests = parseList(resources.requests, 'spec.resources.requests')
  for (const [name, amount] of limits) {
    // Defaulting (defaultPodRequests): from the containers where they say anything, else from the limit.
    if (requests.has(name)) continue
    requests.set(name, (overcommittable(name) ? lists.requests.get(name) : undefined) ?? amount)
  }
  const status = pod.status as Actuated | undefined
  const now = status?.resources
    ? resized({ requests, limits }, status, 'status', infeasible)
    : { requests, limits }
  for (const side of ['requests', 'limits'] as const) {
    for (const name of { requests, limits }[side].keys()) {
      if (podLevel(name)) lists[side].set(name, now[side].get(name) ?? 0n)
    }
  }
}

function applyOverhead(pod: PodResources, lists: Lists): void {
  const overhead = parseList(pod.spec?.overhead, 'spec.overhead')
  addList(lists.requests, overhead)
  for (const [name, amount] of overhead) {
    const limit = lists.limits.get(name)
    if (limit) lists.limits.set(name, limit + amount)
  }
}

const both = new Set(['cpu', 'memory', 'ephemeral-storage'])

function toQuotaNames(lists: Lists): EffectiveAmounts {
  const amounts: EffectiveAmounts = new Map([['pods', 1000n]])
  // Huge pages and extended resources can not be overcommitted: their limit is their request.
  for (const [name, amount] of lists.requests) amounts.set(`requests.${name}`, amount)
  for (const [name, amount] of lists.limits) if (both.has(name)) amounts.set(`limits.${name}`, amount)
  return amounts
}
