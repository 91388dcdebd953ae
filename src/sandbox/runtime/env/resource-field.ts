import type { V1ResourceFieldSelector, V1ResourceRequirements } from '@kubernetes/client-node'
import { parseQuantity } from '../../../kube/quantity.ts'
import type { Pod } from '../types.ts'
import { ContainerConfigError } from './config-error.ts'

/**
 * The value of a `resourceFieldRef` as a kubelet computes it: an unset limit is the node's allocatable, an unset
 * request is 0, divided by `divisor` (1 by default) and rounded up to an integer.
 * @throws ContainerConfigError for a container or resource that does not exist.
 */
export function resolveResourceField(
  pod: Pod,
  ref: V1ResourceFieldSelector,
  ownContainer: string,
  allocatable: Record<string, string>,
): string {
  const name = ref.containerName || ownContainer
  const all = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])]
  const container = all.find((candidate) => candidate.name === name)
  if (!container) throw new ContainerConfigError(`container ${name} not found`)
  const [side, ...rest] = ref.resource.split('.')
  const resource = rest.join('.')
  if ((side !== 'limits' && side !== 'requests') || !resource) {
    throw new ContainerConfigError(`unsupported container resource: ${ref.resource}`)
  }
  const resources: V1ResourceRequirements = container.resources ?? {}
  const set = resources[side]?.[resource]
  // a node with no such resource has 0 of it
  const amount = set ?? (side === 'limits' ? (allocatable[resource] ?? '0') : '0')
  const divisor = parseQuantity(ref.divisor || '1', 'divisor') || 1000n
  const value = parseQuantity(amount, ref.resource)
  return String((value + divisor - 1n) / divisor)
}
