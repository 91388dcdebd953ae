import { type Amounts, insufficient, requestsOf } from './fit.ts'
import { matchesNode } from './node-affinity.ts'
import { untolerated } from './taints.ts'
import type { Node, Pod } from './types.ts'

/** A node with what is on it already. */
export interface NodeState {
  node: Node
  allocatable: Amounts
  used: Amounts
  /** `protocol/port` of hostPorts in use. */
  hostPorts: Set<string>
}

/** Why a pod can not go to a node; `resolvable` where removing pods from it could help. */
export interface Rejection {
  reasons: string[]
  resolvable: boolean
}

const KEEPS_OFF = ['NoSchedule', 'NoExecute']
const UNSCHEDULABLE = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' }

export function hostPortsOf(pod: Pod): string[] {
  const containers = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])]
  return containers
    .flatMap(({ ports }) => ports ?? [])
    .filter(({ hostPort }) => hostPort)
    .map(({ protocol, hostPort }) => `${protocol ?? 'TCP'}/${hostPort}`)
}

/** The default scheduler's filters in its order; undefined when the pod fits. */
export function filterNode(pod: Pod, state: NodeState): Rejection | undefined {
  const { node } = state
  const tolerations = pod.spec.tolerations ?? []
  const never = (reason: string): Rejection => ({ reasons: [reason], resolvable: false })
  if (node.spec?.unschedulable && untolerated([UNSCHEDULABLE], tolerations, KEEPS_OFF)) {
    return never('node(s) were unschedulable')
  }
  if (untolerated(node.spec?.taints ?? [], tolerations, KEEPS_OFF)) {
    return never('node(s) had untolerated taint(s)')
  }
  if (!matchesNode(pod.spec, node)) return never("node(s) didn't match Pod's node affinity/selector")
  if (hostPortsOf(pod).some((port) => state.hostPorts.has(port))) {
    return { reasons: ["node(s) didn't have free ports for the requested pod ports"], resolvable: true }
  }
  const short = insufficient(requestsOf(pod), state.used, state.allocatable)
  return short.length > 0 ? { reasons: short, resolvable: true } : undefined
}
