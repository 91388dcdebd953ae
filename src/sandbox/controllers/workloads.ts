import type { KubeObject } from '../store/types.ts'
import { reconcileDeployment } from './deployments.ts'
import { reconcileReplicaSet, type WorkloadContext } from './replica-sets.ts'

const DEPLOYMENTS = 'deployments.apps'
const REPLICA_SETS = 'replicasets.apps'

/**
 * Deployments and ReplicaSets, level-triggered: whatever changes puts the owner on the list, and each is looked at once
 * per turn. Jobs, DaemonSets and StatefulSets are stored and run nothing.
 */
export function startWorkloads(options: WorkloadContext): () => void {
  const { store, logger } = options
  const dirty = new Map<string, () => void>()
  let scheduled = false
  let ended = false

  const drain = () => {
    scheduled = false
    if (ended) return
    const work = [...dirty.values()]
    dirty.clear()
    for (const reconcile of work) {
      try {
        reconcile()
      } catch (error) {
        // What changed in between comes back as an event; anything else is a fault of ours.
        logger.error({ err: error }, 'a workload could not be reconciled')
      }
    }
  }
  const mark = (resource: string, namespace: string, name: string) => {
    const reconcile = resource === DEPLOYMENTS ? reconcileDeployment : reconcileReplicaSet
    dirty.set(`${resource}/${namespace}/${name}`, () => reconcile(options, { namespace, name }))
    if (scheduled) return
    scheduled = true
    setImmediate(drain)
  }
  const markOwner = (object: KubeObject) => {
    for (const { kind, name, controller } of object.metadata.ownerReferences ?? []) {
      const resource = { Deployment: DEPLOYMENTS, ReplicaSet: REPLICA_SETS }[kind]
      if (resource && controller) mark(resource, object.metadata.namespace ?? '', name)
    }
  }

  const follow = (resource: string) =>
    store.watch<KubeObject>(resource, {
      onEvent({ object }) {
        if (resource !== 'pods') mark(resource, object.metadata.namespace ?? '', object.metadata.name)
        markOwner(object)
      },
    })
  const ends = [DEPLOYMENTS, REPLICA_SETS, 'pods'].map(follow)
  return () => {
    ended = true
    for (const end of ends) end()
  }
}
