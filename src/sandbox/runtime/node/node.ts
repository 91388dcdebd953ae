import { arch, availableParallelism, hostname, platform, release, totalmem } from 'node:os'
import { kubeTime } from '../../events.ts'
import type { KubeObject } from '../../store/types.ts'
import type { RuntimeOptions } from '../types.ts'

export const DEFAULT_NODE_NAME = 'sandbox-node'

/** What the node shows as capacity: the machine's own where nothing else is said. Nothing of it is enforced. */
export function nodeCapacity(options: RuntimeOptions): Record<string, string> {
  return {
    cpu: String(availableParallelism()),
    memory: `${Math.floor(totalmem() / 1024)}Ki`,
    pods: '110',
    'ephemeral-storage': '10Gi',
    ...options.capacity,
  }
}

/** Go's names, which node labels use. */
const architectures: Record<string, string> = { x64: 'amd64', arm64: 'arm64' }

function condition(type: string, status: string, reason: string, message: string, now: string) {
  return { type, status, lastHeartbeatTime: now, lastTransitionTime: now, reason, message }
}

/** The node as a kubelet registers it. */
export function nodeObject(
  name: string,
  ip: string,
  capacity: Record<string, string>,
  nowMs: number,
): KubeObject {
  const now = kubeTime(nowMs)
  const architecture = architectures[arch()] ?? arch()
  const labels = {
    'kubernetes.io/hostname': name,
    'kubernetes.io/os': platform(),
    'kubernetes.io/arch': architecture,
    'node.kubernetes.io/instance-type': 'sandbox',
  }
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels } as unknown as KubeObject['metadata'],
    spec: {},
    status: {
      capacity,
      allocatable: capacity,
      conditions: [
        condition(
          'MemoryPressure',
          'False',
          'KubeletHasSufficientMemory',
          'kubelet has sufficient memory available',
          now,
        ),
        condition('DiskPressure', 'False', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure', now),
        condition(
          'PIDPressure',
          'False',
          'KubeletHasSufficientPID',
          'kubelet has sufficient PID available',
          now,
        ),
        condition('Ready', 'True', 'KubeletReady', 'the sandbox runs pods as processes of this machine', now),
      ],
      addresses: [
        { type: 'InternalIP', address: ip },
        { type: 'Hostname', address: name },
      ],
      nodeInfo: {
        machineID: '',
        systemUUID: '',
        bootID: '',
        kernelVersion: release(),
        osImage: `${platform()} (${hostname()})`,
        containerRuntimeVersion: 'sandbox://1.0',
        kubeletVersion: 'v1.36.0',
        kubeProxyVersion: '',
        operatingSystem: platform(),
        architecture,
      },
      images: [],
    },
  }
}
