import type { Container, Pod } from './objects.ts'

/**
 * The pod with a request of each given resource on every container that names neither request nor limit of it
 * (a limit is the request by Kubernetes' own defaulting). Pod-level requests speak for the containers.
 */
export function withDefaultRequests(pod: Pod, defaults: Readonly<Record<string, string>>): Pod {
  const whole = pod.spec.resources as Container['resources']
  const missing = Object.entries(defaults).filter(
    ([resource]) => whole?.requests?.[resource] === undefined && whole?.limits?.[resource] === undefined,
  )
  if (missing.length === 0) return pod
  const fill = (container: Container): Container => {
    const { requests, limits } = container.resources ?? {}
    const added = missing.filter(
      ([resource]) => requests?.[resource] === undefined && limits?.[resource] === undefined,
    )
    if (added.length === 0) return container
    return {
      ...container,
      resources: { ...container.resources, requests: { ...requests, ...Object.fromEntries(added) } },
    }
  }
  const spec = { ...pod.spec, containers: pod.spec.containers.map(fill) }
  if (pod.spec.initContainers) spec.initContainers = pod.spec.initContainers.map(fill)
  return { ...pod, spec }
}
