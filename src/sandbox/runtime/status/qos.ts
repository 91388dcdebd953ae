import type { V1PodSpec } from '@kubernetes/client-node'
import { parseQuantity } from '../../../kube/quantity.ts'

const counted = ['cpu', 'memory'] as const

/** A pod's QoS class (k8s.io/kubernetes pkg/apis/core/v1/helper/qos): an amount of zero is no amount. */
export function qosClass(spec: V1PodSpec): 'Guaranteed' | 'Burstable' | 'BestEffort' {
  const amount = (list: Record<string, string> | undefined, name: string) =>
    parseQuantity(list?.[name] ?? '0', name)
  let any = false
  let guaranteed = true
  const parts = spec.resources ? [spec] : [...spec.containers, ...(spec.initContainers ?? [])]
  for (const { resources } of parts) {
    for (const name of counted) {
      const limit = amount(resources?.limits, name)
      const request = resources?.requests?.[name] === undefined ? limit : amount(resources.requests, name)
      if (limit > 0n || request > 0n) any = true
      if (limit === 0n || limit !== request) guaranteed = false
    }
  }
  if (!any) return 'BestEffort'
  return guaranteed ? 'Guaranteed' : 'Burstable'
}
