/**
 * Kubernetes objects as they lie in JSON, with the fields that the mapping touches named. client-node's types are
 * of no use here: they hold dates as Date, and the mapping must give back every field it does not know as it came.
 */
export interface ObjectMeta {
  name?: string
  generateName?: string
  namespace?: string
  uid?: string
  resourceVersion?: string
  creationTimestamp?: string | null
  deletionTimestamp?: string
  deletionGracePeriodSeconds?: number
  labels?: Record<string, string> | null
  annotations?: Record<string, string> | null
  ownerReferences?: OwnerReference[] | null
  finalizers?: string[] | null
  managedFields?: unknown[] | null
  [field: string]: unknown
}

export interface OwnerReference {
  apiVersion: string
  kind: string
  name: string
  uid: string
  controller?: boolean
  blockOwnerDeletion?: boolean
}

export interface KubeObject {
  apiVersion?: string
  kind?: string
  metadata?: ObjectMeta
  [field: string]: unknown
}

export interface ListMeta {
  resourceVersion?: string
  continue?: string
  remainingItemCount?: number
}

export interface FieldRef {
  apiVersion?: string
  fieldPath?: string
}

export interface EnvVar {
  name: string
  value?: string
  valueFrom?: { fieldRef?: FieldRef; [field: string]: unknown }
}

export interface Container {
  name: string
  image?: string
  env?: EnvVar[] | null
  volumeMounts?: { name: string; [field: string]: unknown }[] | null
  restartPolicy?: string
  resources?: { requests?: Record<string, string> | null; limits?: Record<string, string> | null }
  [field: string]: unknown
}

export interface Volume {
  name: string
  downwardAPI?: { items?: { fieldRef?: FieldRef; [field: string]: unknown }[] | null }
  projected?: {
    sources?:
      | { downwardAPI?: { items?: { fieldRef?: FieldRef }[] | null }; [field: string]: unknown }[]
      | null
  }
  [field: string]: unknown
}

export interface PodSpec {
  containers: Container[]
  initContainers?: Container[] | null
  ephemeralContainers?: Container[] | null
  volumes?: Volume[] | null
  nodeName?: string
  readinessGates?: { conditionType: string }[] | null
  [field: string]: unknown
}

export interface ContainerState {
  waiting?: { reason?: string; message?: string }
  running?: { startedAt?: string }
  terminated?: {
    exitCode: number
    signal?: number
    reason?: string
    message?: string
    startedAt?: string
    finishedAt?: string
    containerID?: string
  }
}

export interface ContainerStatus {
  name: string
  state?: ContainerState
  lastState?: ContainerState
  ready?: boolean
  started?: boolean
  restartCount?: number
  image?: string
  [field: string]: unknown
}

export interface Condition {
  type: string
  status: string
  reason?: string
  message?: string
  lastProbeTime?: string | null
  lastTransitionTime?: string | null
  observedGeneration?: number
}

export interface PodStatus {
  phase?: string
  reason?: string
  message?: string
  conditions?: Condition[] | null
  podIP?: string
  podIPs?: { ip?: string }[] | null
  containerStatuses?: ContainerStatus[] | null
  initContainerStatuses?: ContainerStatus[] | null
  ephemeralContainerStatuses?: ContainerStatus[] | null
  [field: string]: unknown
}

export interface Pod extends KubeObject {
  metadata: ObjectMeta
  spec: PodSpec
  status?: PodStatus
}

/** Both APIs' events: core v1 (`involvedObject`, `message`) and events.k8s.io (`regarding`, `note`). */
export interface EventObject extends KubeObject {
  metadata: ObjectMeta
  reason?: string
  type?: string
  message?: string
  note?: string
  involvedObject?: ObjectReference
  regarding?: ObjectReference
}

export interface ObjectReference {
  kind?: string
  namespace?: string
  name?: string
  uid?: string
  apiVersion?: string
  resourceVersion?: string
  fieldPath?: string
}

/** Whether this is a JSON object, not a list and not null. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
