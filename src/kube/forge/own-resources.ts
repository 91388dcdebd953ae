import type { V1Container, V1ContainerStatus, V1Pod, V1PodStatus } from '@kubernetes/client-node'

type Amounts = Record<string, string> | undefined

/** Those of the amounts that the container names itself. */
function named(amounts: Amounts, own: Amounts): Amounts {
  if (!amounts) return undefined
  const kept = Object.entries(amounts).filter(([name]) => own?.[name] !== undefined)
  return kept.length > 0 ? Object.fromEntries(kept) : undefined
}

function ownAmounts(status: V1ContainerStatus, container: V1Container | undefined): V1ContainerStatus {
  if (!status.allocatedResources && !status.resources) return status
  const own = container?.resources
  const { resources } = status
  return {
    ...status,
    allocatedResources: named(status.allocatedResources, own?.requests),
    resources: resources && {
      ...resources,
      requests: named(resources.requests, own?.requests),
      limits: named(resources.limits, own?.limits),
    },
  }
}

/**
 * The data plane's status without the requests that the gateway's policy added where the user's pod has none: a
 * kubelet reports what is in the spec, and who waits for a resize compares the two.
 */
export function withOwnResources(user: V1Pod, status: V1PodStatus): V1PodStatus {
  const { spec } = user
  const all = [spec, ...(spec?.initContainers ?? []), ...(spec?.containers ?? [])]
  const requests = Object.assign({}, ...all.map((each) => each?.resources?.requests))
  const limits = Object.assign({}, ...all.map((each) => each?.resources?.limits))
  const left = {
    requests: named(status.resources?.requests, requests),
    limits: named(status.resources?.limits, limits),
  }
  const own = (statuses: V1ContainerStatus[] | undefined, containers: V1Container[] | undefined) =>
    statuses?.map((each) =>
      ownAmounts(
        each,
        containers?.find(({ name }) => name === each.name),
      ),
    )
  return {
    ...status,
    allocatedResources: named(status.allocatedResources, requests),
    // The API server keeps no empty one: it would be written again and again.
    resources: left.requests || left.limits ? { ...status.resources, ...left } : undefined,
    containerStatuses: own(status.containerStatuses, user.spec?.containers),
    initContainerStatuses: own(status.initContainerStatuses, user.spec?.initContainers),
  }
}
