import { type Asked, askedValue, overriddenFields, readAsked } from './asked.ts'
import { metadataForTenant, namespaceOfObject } from './metadata.ts'
import type { Container, Pod, PodSpec } from './objects.ts'
import { dataPlaneFields, isVisibleToleration } from './pod-fields.ts'
import { statusForTenant } from './pod-status.ts'
import type { TenantView } from './view.ts'

/**
 * A pod of the data plane as its tenant sees it: on the virtual node, in the tenant's namespace, with the
 * containers and volumes that it asked for, and with a status that tells nothing of the data plane (rules 15, 20).
 */
export function podForTenant(view: TenantView, pod: Pod): Pod {
  const asked = readAsked(pod)
  const namespace = namespaceOfObject(view, pod)
  const shown: Pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: metadataForTenant(pod, namespace),
    spec: specForTenant(view, pod.spec, asked),
  }
  if (pod.status !== undefined) shown.status = statusForTenant(view, pod, asked)
  return shown
}

function specForTenant(view: TenantView, spec: PodSpec, asked: Asked | undefined): PodSpec {
  const shown: PodSpec = { ...spec, containers: containers(spec.containers, asked?.containers, asked) }
  for (const field of dataPlaneFields) delete shown[field]
  if (spec.nodeName !== undefined) shown.nodeName = view.nodeName
  if (spec.schedulerName !== undefined) shown.schedulerName = 'default-scheduler'
  if (Array.isArray(spec.tolerations)) shown.tolerations = spec.tolerations.filter(isVisibleToleration)
  if (asked !== undefined) {
    for (const field of overriddenFields) {
      const value = askedValue(asked, field)
      if (value === undefined) delete shown[field]
      else shown[field] = value
    }
  }
  if (spec.initContainers) {
    shown.initContainers = containers(spec.initContainers, asked?.initContainers, asked)
    if (shown.initContainers.length === 0) delete shown.initContainers
  }
  if (spec.volumes) {
    const known = asked === undefined ? undefined : new Set(asked.volumes)
    shown.volumes = spec.volumes.filter((volume) => known === undefined || known.has(volume.name))
    if (shown.volumes.length === 0) delete shown.volumes
  }
  return shown
}

function containers(
  list: readonly Container[],
  names: readonly string[] | undefined,
  asked: Asked | undefined,
): Container[] {
  if (names === undefined || asked === undefined) return [...list]
  const known = new Set(names)
  const volumes = new Set(asked.volumes)
  return list.filter((container) => known.has(container.name)).map((container) => mounts(container, volumes))
}

function mounts(container: Container, volumes: ReadonlySet<string>): Container {
  const all = container.volumeMounts ?? []
  const shown = all.filter((mount) => volumes.has(mount.name))
  if (shown.length === all.length) return container
  const { volumeMounts: _, ...rest } = container
  return shown.length > 0 ? { ...rest, volumeMounts: shown } : rest
}

/** The names of the containers that the tenant may read and enter: its own, and debug containers it added. */
export function visibleContainers(pod: Pod): {
  containers: string[]
  initContainers: string[]
  ephemeral: string[]
} {
  const asked = readAsked(pod)
  const pick = (
    list: readonly { name: string }[] | null | undefined,
    names: readonly string[] | undefined,
  ) => {
    const known = names === undefined ? undefined : new Set(names)
    return (list ?? []).map(({ name }) => name).filter((name) => known === undefined || known.has(name))
  }
  return {
    containers: pick(pod.spec.containers, asked?.containers),
    initContainers: pick(pod.spec.initContainers, asked?.initContainers),
    ephemeral: pick(pod.spec.ephemeralContainers, undefined),
  }
}
