import type { V1Container, V1EphemeralContainer, V1PodSpec } from '@kubernetes/client-node'
import type { Clock } from '../../lib/clock.ts'
import type { Logger } from '../../lib/logger.ts'
import type { KubeObject, ObjectMeta, ResourceStore } from '../store/types.ts'

/** A pod as the store keeps it: times are RFC 3339 text. */
export interface Pod extends KubeObject {
  metadata: ObjectMeta
  spec: V1PodSpec
  status?: PodStatus
}

/** A container of any kind, as far as the runtime reads it. */
export type ContainerSpec = V1Container | V1EphemeralContainer

/**
 * What a container is to its pod. `sidecar` is an init container with `restartPolicy: Always` (KEP-753): it counts
 * for initialisation once started, never for the phase, and stops last.
 */
export type ContainerKind = 'init' | 'sidecar' | 'app' | 'ephemeral'

export interface TerminatedState {
  exitCode: number
  signal?: number
  reason: string
  message?: string
  startedAt: string
  finishedAt: string
  containerID: string
}

export interface WaitingState {
  reason: string
  message?: string
}

export interface ContainerState {
  waiting?: WaitingState
  running?: { startedAt: string }
  terminated?: TerminatedState
}

export interface ContainerStatus {
  name: string
  state: ContainerState
  lastState: ContainerState
  ready: boolean
  restartCount: number
  image: string
  imageID: string
  containerID?: string
  started?: boolean
  allocatedResources?: Record<string, string>
  resources?: unknown
}

export interface PodCondition {
  type: string
  status: 'True' | 'False' | 'Unknown'
  observedGeneration?: number
  lastProbeTime: null
  lastTransitionTime: string
  reason?: string
  message?: string
}

export type PodPhase = 'Pending' | 'Running' | 'Succeeded' | 'Failed' | 'Unknown'

export interface PodStatus {
  observedGeneration?: number
  phase?: PodPhase
  conditions?: PodCondition[]
  message?: string | null
  reason?: string | null
  hostIP?: string
  hostIPs?: { ip: string }[]
  podIP?: string
  podIPs?: { ip: string }[]
  startTime?: string
  qosClass?: string
  initContainerStatuses?: ContainerStatus[]
  containerStatuses?: ContainerStatus[]
  ephemeralContainerStatuses?: ContainerStatus[]
}

/** What a projected `serviceAccountToken` is asked for (authentication.k8s.io/v1 TokenRequest). */
export interface ServiceAccountTokenRequest {
  namespace: string
  serviceAccount: string
  pod: { name: string; uid: string }
  /** Empty: the API server's own. */
  audiences: readonly string[]
  expirationSeconds: number
}

/** Makes a token for a pod, as the API server's TokenRequest does. @throws when the ServiceAccount is missing. */
export type RequestToken = (
  request: ServiceAccountTokenRequest,
) => Promise<{ token: string; expirationTimestamp: string }>

export interface RuntimeOptions {
  store: ResourceStore
  clock: Clock
  logger: Logger
  /** Where pods live: `<dir>/pods/<uid>/`. What an earlier run left there is removed at start. */
  dir: string
  /** The node's name; `sandbox-node` by default. */
  nodeName?: string
  /** Pods see it as hostIP, and podIP is the same: their processes share the machine's network. 127.0.0.1 by default. */
  nodeIP?: string
  /** Shown as capacity and allocatable; the machine's CPUs and memory, and 110 pods, by default. */
  capacity?: Partial<Record<'cpu' | 'memory' | 'pods' | 'ephemeral-storage', string>>
  /** First restart delay in milliseconds, doubled up to `backoffMaxMs`; a kubelet's 10 s and 300 s by default. */
  backoffBaseMs?: number
  backoffMaxMs?: number
  /** Serves projected ServiceAccount tokens; without it such a volume stays unmounted with FailedMount. */
  requestToken?: RequestToken
  /** What pods get as KUBERNETES_SERVICE_HOST and _PORT. */
  apiServer?: { host: string; port: number }
  /** Where commands are looked for; the machine's PATH is passed in by the main. */
  path: string
}
