import type { V1NodeSpec, V1Taint, V1Toleration } from '@kubernetes/client-node'
import type { Pod } from '../runtime/types.ts'
import type { KubeObject } from '../store/types.ts'

export type { Pod }

export interface NodeCondition {
  type: string
  status: 'True' | 'False' | 'Unknown'
  reason?: string
  message?: string
  lastHeartbeatTime?: string
  lastTransitionTime?: string
}

/** A taint as it is stored: times are text. */
export type Taint = Omit<V1Taint, 'timeAdded'> & { timeAdded?: string }

export type Toleration = V1Toleration

/** A node as the store keeps it. */
export interface Node extends KubeObject {
  spec?: Omit<V1NodeSpec, 'taints'> & { taints?: Taint[] }
  status?: {
    allocatable?: Record<string, string>
    capacity?: Record<string, string>
    conditions?: NodeCondition[]
    addresses?: { type: string; address: string }[]
    daemonEndpoints?: { kubeletEndpoint?: { Port: number } }
    declaredFeatures?: string[]
  }
}

export function isTerminal(pod: Pod): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed'
}
