import type { V1Pod, V1ReplicaSet } from '@kubernetes/client-node'
import type { Clock } from '../../lib/clock.ts'
import type { Logger } from '../../lib/logger.ts'
import { isIsthmusError } from '../../protocol/errors/index.ts'
import { deepEqual } from '../store/objects.ts'
import type { ResourceStore } from '../store/types.ts'
import type { AdmittedPods } from './admitted-pods.ts'

export interface WorkloadContext {
  store: ResourceStore
  clock: Clock
  logger: Logger
  /** Creates pods as the API would: with defaults and admission. */
  pods: AdmittedPods
}

interface Key {
  namespace: string
  name: string
}

/** Whether a pod of this owner counts as one of its replicas. */
function isActive(pod: V1Pod): boolean {
  const phase = pod.status?.phase
  return !pod.metadata?.deletionTimestamp && phase !== 'Succeeded' && phase !== 'Failed'
}

export function isReady(pod: V1Pod): boolean {
  return pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false
}

/** Brings a ReplicaSet's pods to the number it wants and says so in its status. */
export function reconcileReplicaSet(context: WorkloadContext, key: Key): void {
  const { store } = context
  const set = store.get<V1ReplicaSet>('replicasets.apps', key)
  if (!set?.metadata || set.metadata.deletionTimestamp) return
  const { uid } = set.metadata
  const owned = store
    .list<V1Pod>('pods', { namespace: key.namespace })
    .items.filter(({ metadata }) => metadata?.ownerReferences?.some((reference) => reference.uid === uid))
  const active = owned.filter(isActive)
  const missing = (set.spec?.replicas ?? 1) - active.length
  if (missing > 0) createPods(context, set, missing)
  else if (missing < 0) {
    const expendable = [...active].sort((a, b) => Number(isReady(a)) - Number(isReady(b)))
    for (const pod of expendable.slice(0, -missing)) {
      store.delete('pods', { namespace: key.namespace, name: pod.metadata?.name ?? '' })
    }
  }
  const ready = active.filter(isReady).length
  const status = {
    ...set.status,
    replicas: active.length,
    fullyLabeledReplicas: active.length,
    readyReplicas: ready,
    availableReplicas: ready,
    observedGeneration: set.metadata.generation,
  }
  if (!deepEqual(status, set.status)) store.patchStatus('replicasets.apps', key, status)
}

function createPods({ pods, logger }: WorkloadContext, set: V1ReplicaSet, count: number): void {
  const { name = '', namespace = '', uid = '' } = set.metadata ?? {}
  const { metadata, spec } = set.spec?.template ?? {}
  const owner = {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    name,
    uid,
    controller: true,
    blockOwnerDeletion: true,
  }
  for (let i = 0; i < count; i++) {
    try {
      pods.create({
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: {
          generateName: `${name}-`,
          namespace,
          ...(metadata?.labels ? { labels: metadata.labels } : {}),
          ...(metadata?.annotations ? { annotations: metadata.annotations } : {}),
          ownerReferences: [owner],
        },
        spec: structuredClone(spec),
      })
    } catch (error) {
      if (!isIsthmusError(error)) throw error
      logger.warn({ err: error, replicaSet: `${namespace}/${name}` }, 'a pod of a ReplicaSet was refused')
      return
    }
  }
}
