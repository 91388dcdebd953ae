import { createHash } from 'node:crypto'
import type { V1Deployment, V1ReplicaSet } from '@kubernetes/client-node'
import { deepEqual, toTime } from '../store/objects.ts'
import type { WorkloadContext } from './replica-sets.ts'

const REVISION = 'deployment.kubernetes.io/revision'
const HASH = 'pod-template-hash'

interface Key {
  namespace: string
  name: string
}

/**
 * Brings a Deployment to its template: one ReplicaSet per template, the new one raised and the old ones lowered within
 * maxSurge and maxUnavailable (Recreate: the old ones first).
 */
export function reconcileDeployment(context: WorkloadContext, key: Key): void {
  const { store } = context
  const deployment = store.get<V1Deployment>('deployments.apps', key)
  if (!deployment?.metadata || deployment.metadata.deletionTimestamp) return
  const sets = ownedSets(context, deployment)
  const current = currentSet(context, deployment, sets)
  const old = sets.filter(({ metadata }) => metadata?.uid !== current.metadata?.uid)
  if (!deployment.spec?.paused) roll(context, deployment, current, old)
  report(context, deployment, ownedSets(context, deployment), current.metadata?.name ?? '')
}

function ownedSets({ store }: WorkloadContext, deployment: V1Deployment): V1ReplicaSet[] {
  const { namespace, uid } = deployment.metadata ?? {}
  const { items } = store.list<V1ReplicaSet>('replicasets.apps', { namespace })
  return items.filter(({ metadata }) => metadata?.ownerReferences?.some((reference) => reference.uid === uid))
}

const revisionOf = (set: V1ReplicaSet) => Number(set.metadata?.annotations?.[REVISION] ?? 0)

function currentSet(
  { store }: WorkloadContext,
  deployment: V1Deployment,
  sets: V1ReplicaSet[],
): V1ReplicaSet {
  const { name = '', namespace = '', uid = '' } = deployment.metadata ?? {}
  const { template, selector } = deployment.spec!
  const hash = createHash('sha256').update(JSON.stringify(template)).digest('hex').slice(0, 10)
  const found = sets.find(({ metadata }) => metadata?.labels?.[HASH] === hash)
  const latest = Math.max(0, ...sets.map(revisionOf))
  if (found) {
    if (revisionOf(found) === latest) return found
    // A rollback: an old template becomes the newest revision.
    return store.mutate<V1ReplicaSet>(
      'replicasets.apps',
      { namespace, name: found.metadata?.name ?? '' },
      (set) => {
        set.metadata!.annotations = { ...set.metadata?.annotations, [REVISION]: String(latest + 1) }
      },
    ) as V1ReplicaSet
  }
  const labels = { ...template.metadata?.labels, [HASH]: hash }
  const owner = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    name,
    uid,
    controller: true,
    blockOwnerDeletion: true,
  }
  return store.create<V1ReplicaSet>('replicasets.apps', {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      name: `${name}-${hash}`,
      namespace,
      labels,
      annotations: { [REVISION]: String(latest + 1) },
      ownerReferences: [owner],
    },
    spec: {
      replicas: 0,
      selector: { ...selector, matchLabels: { ...selector.matchLabels, [HASH]: hash } },
      template: { ...template, metadata: { ...template.metadata, labels } },
    },
    status: { replicas: 0 },
  })
}

function roll(
  context: WorkloadContext,
  deployment: V1Deployment,
  current: V1ReplicaSet,
  old: V1ReplicaSet[],
): void {
  const wanted = deployment.spec?.replicas ?? 1
  const { strategy } = deployment.spec!
  const size = (set: V1ReplicaSet) => set.spec?.replicas ?? 0
  const running = (set: V1ReplicaSet) => set.status?.replicas ?? 0
  if (strategy?.type === 'Recreate') {
    for (const set of old) scale(context, set, 0)
    const gone = old.every((set) => running(set) === 0)
    scale(context, current, gone ? wanted : size(current))
    return
  }
  const surge = amount(strategy?.rollingUpdate?.maxSurge ?? '25%', wanted, Math.ceil)
  const unavailable = amount(strategy?.rollingUpdate?.maxUnavailable ?? '25%', wanted, Math.floor)
  const others = old.reduce((sum, set) => sum + size(set), 0)
  const room = wanted + (surge === 0 && unavailable === 0 ? 1 : surge) - others
  scale(context, current, Math.min(wanted, Math.max(size(current), room)))
  let spare =
    [current, ...old].reduce((sum, set) => sum + Math.min(set.status?.availableReplicas ?? 0, size(set)), 0) -
    (wanted - unavailable)
  for (const set of old) {
    const dead = size(set) - (set.status?.availableReplicas ?? 0)
    const less = Math.min(size(set), Math.max(0, spare) + Math.max(0, dead))
    spare -= Math.max(0, less - Math.max(0, dead))
    if (less > 0) scale(context, set, size(set) - less)
  }
}

function amount(value: unknown, of: number, round: (n: number) => number): number {
  const text = String(value)
  return text.endsWith('%') ? round((Number(text.slice(0, -1)) * of) / 100) : Number(text)
}

function scale({ store }: WorkloadContext, set: V1ReplicaSet, replicas: number): void {
  if (set.spec?.replicas === replicas) return
  const { namespace, name = '' } = set.metadata ?? {}
  store.mutate<V1ReplicaSet>('replicasets.apps', { namespace, name }, (next) => {
    next.spec!.replicas = replicas
  })
}

function report(
  { store, clock }: WorkloadContext,
  deployment: V1Deployment,
  sets: V1ReplicaSet[],
  current: string,
): void {
  const { namespace, name = '', generation } = deployment.metadata ?? {}
  const sum = (read: (set: V1ReplicaSet) => number | undefined) =>
    sets.reduce((total, set) => total + (read(set) ?? 0), 0)
  const updated = sets.find(({ metadata }) => metadata?.name === current)
  const available = sum((set) => set.status?.availableReplicas)
  const wanted = deployment.spec?.replicas ?? 1
  const done = updated?.status?.availableReplicas === wanted && sum((set) => set.status?.replicas) === wanted
  const unavailable = amount(
    deployment.spec?.strategy?.rollingUpdate?.maxUnavailable ?? '25%',
    wanted,
    Math.floor,
  )
  const condition = (type: string, holds: boolean, reason: string) => {
    const status = holds ? 'True' : 'False'
    const before = deployment.status?.conditions?.find((each) => each.type === type)
    const now = toTime(clock.now())
    const lastTransitionTime = before?.status === status ? before.lastTransitionTime : now
    const lastUpdateTime = before?.status === status && before.reason === reason ? before.lastUpdateTime : now
    return { type, status, reason, message: '', lastTransitionTime, lastUpdateTime }
  }
  const enough = available >= wanted - unavailable
  const status = {
    observedGeneration: generation,
    replicas: sum((set) => set.status?.replicas),
    updatedReplicas: updated?.status?.replicas ?? 0,
    readyReplicas: sum((set) => set.status?.readyReplicas),
    availableReplicas: available,
    unavailableReplicas: Math.max(0, wanted - available),
    conditions: [
      condition('Available', enough, enough ? 'MinimumReplicasAvailable' : 'MinimumReplicasUnavailable'),
      condition('Progressing', true, done ? 'NewReplicaSetAvailable' : 'ReplicaSetUpdated'),
    ],
  }
  if (!deepEqual(status, deployment.status))
    store.patchStatus('deployments.apps', { namespace, name }, status)
}
