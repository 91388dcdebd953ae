import { overriddenFields, readAsked } from './asked.ts'
import { NAMESPACE_KEY, NODE_NAME_ANNOTATION, RESERVATION_LABEL } from './keys.ts'
import { metadataForDataPlane } from './metadata.ts'
import type { Container, Pod, PodSpec } from './objects.ts'
import { dataPlaneFields, isVisibleToleration } from './pod-fields.ts'
import type { TenantView } from './view.ts'

export interface NewPodPlace {
  namespace: string
  physicalNamespace: string
  reservationId: string
}

/**
 * The pod that is made in the data plane from the one that the tenant asked for. It gets no token of the data
 * plane, no environment of the data plane's Services and no search path into the physical namespace (rule 21).
 */
export function podForDataPlane(view: TenantView, pod: Pod, place: NewPodPlace): Pod {
  const metadata = metadataForDataPlane(view, pod, place.physicalNamespace)
  delete metadata.finalizers
  delete metadata.ownerReferences
  metadata.labels = { ...metadata.labels, [RESERVATION_LABEL]: place.reservationId }
  metadata.annotations = {
    ...metadata.annotations,
    [NAMESPACE_KEY]: place.namespace,
    [NODE_NAME_ANNOTATION]: view.nodeName,
  }
  const spec: PodSpec = { ...pod.spec }
  delete spec.nodeName
  delete spec.subdomain
  spec.automountServiceAccountToken = false
  spec.enableServiceLinks = false
  spec.dnsPolicy = dnsPolicy(pod.spec)
  // At 0 any delete that names no grace takes the object at once, and its quota, while containers run (rule 37).
  if (spec.terminationGracePeriodSeconds === 0) spec.terminationGracePeriodSeconds = 1
  return { apiVersion: 'v1', kind: 'Pod', metadata, spec }
}

/**
 * `ClusterFirst` would be the data plane's DNS with the physical namespace in its search path. With servers of the
 * tenant's own in `dnsConfig` nothing else is used (`None`); without any the pod resolves what its machine does.
 */
function dnsPolicy(spec: PodSpec): string {
  const config = spec.dnsConfig as { nameservers?: unknown[] } | null | undefined
  if (config?.nameservers?.length) return 'None'
  return 'Default'
}

/**
 * The whole pod to PUT in the data plane after the tenant changed its view of it: what the tenant does not see is
 * merged back from `current`, what the gateway sets stays as it is (rule 15).
 */
export function changedPodForDataPlane(view: TenantView, changed: Pod, current: Pod): Pod {
  const metadata = metadataForDataPlane(view, changed, current.metadata.namespace, current)
  const asked = readAsked(current)
  const spec: PodSpec = { ...changed.spec }
  for (const field of [...dataPlaneFields, ...overriddenFields]) {
    delete spec[field]
    if (current.spec[field] !== undefined) Object.assign(spec, { [field]: current.spec[field] })
  }
  // Asked as 0 and carried as 1: no change.
  if (spec.terminationGracePeriodSeconds === 0)
    spec.terminationGracePeriodSeconds = current.spec.terminationGracePeriodSeconds
  const tolerations = weave(
    list(changed.spec.tolerations),
    list(current.spec.tolerations),
    isVisibleToleration,
  )
  setList(spec, 'tolerations', tolerations)
  if (asked !== undefined) {
    const visible = (names: readonly string[]) => {
      const known = new Set(names)
      return ({ name }: { name: string }) => known.has(name)
    }
    const mounts = (container: Container) => withHiddenMounts(container, current, visible(asked.volumes))
    spec.containers = weave(changed.spec.containers, current.spec.containers, visible(asked.containers)).map(
      mounts,
    )
    const { initContainers, volumes } = current.spec
    setList(
      spec,
      'initContainers',
      weave(changed.spec.initContainers ?? [], initContainers ?? [], visible(asked.initContainers)).map(
        mounts,
      ),
    )
    setList(spec, 'volumes', weave(changed.spec.volumes ?? [], volumes ?? [], visible(asked.volumes)))
  }
  return { ...current, metadata, spec, status: current.status }
}

/** An empty list is left out, as upstream leaves it out: otherwise it would be a change. */
function setList(spec: PodSpec, field: string, list: unknown[]): void {
  delete spec[field]
  if (list.length > 0) Object.assign(spec, { [field]: list })
}

/**
 * The tenant's elements in the places that its elements have now, between the hidden ones; what is more goes to
 * the end. Order matters: upstream compares lists of containers and mounts as they stand.
 */
function weave<T>(changed: readonly T[], current: readonly T[], isVisible: (element: T) => boolean): T[] {
  const woven: T[] = []
  let next = 0
  for (const element of current) {
    if (!isVisible(element)) woven.push(element)
    else if (next < changed.length) woven.push(changed[next++] as T)
  }
  return woven.concat(changed.slice(next))
}

function withHiddenMounts(
  container: Container,
  current: Pod,
  isVisible: (mount: { name: string }) => boolean,
): Container {
  const before = [...current.spec.containers, ...(current.spec.initContainers ?? [])].find(
    (other) => other.name === container.name,
  )
  const mounts = before?.volumeMounts ?? []
  if (before === container || mounts.every(isVisible)) return container
  return { ...container, volumeMounts: weave(container.volumeMounts ?? [], mounts, isVisible) }
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : []
}
