import type { V1Node, V1NodeStatus } from '@kubernetes/client-node'
import { AGENT_VERSION } from '../version.ts'

/** What makes the Node what it is, beside its resources and conditions. */
export interface NodeIdentity {
  name: string
  /** What API servers dial for logs and exec; its own address is in the serving certificate. */
  internalIp: string
  kubeletPort: number
  /** Version of the data plane, such as `v1.36.3`: what pods may expect of their kubelet. */
  kubeletVersion: string
  operatingSystem: string
  architecture: string
  /** `ExtendWebSocketsToKubelet` and its like; the API server wants them sorted and each once. */
  declaredFeatures: readonly string[]
  /** More labels, by the operator of the agent. */
  labels?: Record<string, string>
  unschedulable?: boolean
  /** Whether it keeps off pods that do not tolerate it. */
  taint: boolean
}

export const TAINT_KEY = 'isthmus.dev/virtual-node'

/** Labels under which pods, DaemonSets and load balancers find the node, or leave it alone. */
export function nodeLabels(identity: NodeIdentity): Record<string, string> {
  return {
    ...identity.labels,
    'kubernetes.io/hostname': identity.name,
    'kubernetes.io/os': identity.operatingSystem,
    'kubernetes.io/arch': identity.architecture,
    'node.kubernetes.io/exclude-from-external-load-balancers': 'true',
    [TAINT_KEY]: identity.name,
    type: 'virtual-kubelet',
  }
}

/**
 * The Node as it is created. Only here may a node's identity set taints (NodeRestriction); later updates never
 * send them, since an update with one fails whole (rule 29).
 */
export function newNode(identity: NodeIdentity): V1Node {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: identity.name, labels: nodeLabels(identity) },
    spec: {
      ...(identity.taint ? { taints: [{ key: TAINT_KEY, value: identity.name, effect: 'NoSchedule' }] } : {}),
      ...(identity.unschedulable ? { unschedulable: true } : {}),
    },
  }
}

/** Where this process is reached: known without the gateway, so that the Node's address follows in an outage too. */
export function reachStatus(
  identity: Pick<NodeIdentity, 'internalIp' | 'kubeletPort' | 'declaredFeatures'>,
): V1NodeStatus {
  return {
    // InternalIP only: API servers dial Hostname first by default, which may not resolve (rule 31).
    addresses: [{ type: 'InternalIP', address: identity.internalIp }],
    daemonEndpoints: { kubeletEndpoint: { Port: identity.kubeletPort } },
    declaredFeatures: [...new Set(identity.declaredFeatures)].sort(),
  }
}

/** The parts of the status that follow from the identity alone. */
export function staticStatus(identity: NodeIdentity): V1NodeStatus {
  const id = `isthmus-${identity.name}`
  return {
    ...reachStatus(identity),
    nodeInfo: {
      architecture: identity.architecture,
      bootID: id,
      containerRuntimeVersion: `isthmus://${AGENT_VERSION}`,
      kernelVersion: 'virtual',
      kubeProxyVersion: '',
      kubeletVersion: identity.kubeletVersion,
      machineID: id,
      operatingSystem: identity.operatingSystem,
      osImage: 'Isthmus virtual node',
      systemUUID: id,
    },
  }
}
