import type { Clock } from '../../lib/clock.ts'
import { createEventRecorder, subjectOf } from '../events.ts'
import type { ResourceStore } from '../store/types.ts'
import { withCondition } from './condition.ts'
import type { PodsByNode } from './pods-by-node.ts'
import { tolerationSeconds } from './taints.ts'
import { isTerminal, type Node, type Pod } from './types.ts'

export interface Eviction {
  /** Deletes whoever may no longer stay. Returns when the next may not, ms since the epoch. */
  check(): number
}

/**
 * The taint manager: deletes pods from nodes with NoExecute taints, at once or when their `tolerationSeconds` since the
 * taint came are over. And PodGC: pods whose node is gone go after `orphanMs`.
 */
export function createEviction(
  store: ResourceStore,
  clock: Clock,
  orphanMs: number,
  podsByNode: PodsByNode,
): Eviction {
  const events = createEventRecorder({ store, clock, component: 'taint-eviction-controller' })
  const orphans = new Map<string, number>()

  const disrupt = (pod: Pod, reason: string, message: string) => {
    const { namespace, name, uid } = pod.metadata
    const condition = { type: 'DisruptionTarget', status: 'True', reason, message } as const
    const conditions = withCondition(pod, condition, clock.now())
    if (conditions) store.patchStatus('pods', { namespace, name, uid }, { conditions })
  }

  const judge = (pod: Pod, node: Node): number => {
    const taints = (node.spec?.taints ?? []).filter(({ effect }) => effect === 'NoExecute')
    if (taints.length === 0 || pod.metadata.deletionTimestamp || isTerminal(pod))
      return Number.POSITIVE_INFINITY
    const seconds = tolerationSeconds(taints, pod.spec.tolerations ?? [])
    if (seconds === Number.POSITIVE_INFINITY) return seconds
    const since = Math.max(0, ...taints.map(({ timeAdded }) => Date.parse(timeAdded ?? '') || 0))
    const due = (since || clock.now()) + seconds * 1000
    if (due > clock.now()) return due
    const { namespace, name, uid } = pod.metadata
    disrupt(pod, 'DeletionByTaintManager', 'Taint manager: deleting due to NoExecute taint')
    events.record(
      subjectOf(pod),
      'Normal',
      'TaintManagerEviction',
      `Marking for deletion Pod ${namespace}/${name}`,
    )
    store.delete('pods', { namespace, name }, { uid })
    return Number.POSITIVE_INFINITY
  }

  const orphan = (pod: Pod): number => {
    const { namespace, name, uid } = pod.metadata
    const since = orphans.get(uid) ?? clock.now()
    orphans.set(uid, since)
    if (clock.now() < since + orphanMs) return since + orphanMs
    orphans.delete(uid)
    if (!isTerminal(pod)) {
      disrupt(pod, 'DeletionByPodGC', 'PodGC: node no longer exists')
      store.patchStatus('pods', { namespace, name, uid }, { phase: 'Failed' })
    }
    store.delete('pods', { namespace, name }, { uid, gracePeriodSeconds: 0 })
    return Number.POSITIVE_INFINITY
  }

  return {
    check() {
      const nodes = new Map(store.list<Node>('nodes').items.map((node) => [node.metadata.name, node]))
      let next = Number.POSITIVE_INFINITY
      const seen = new Set<string>()
      for (const name of [...podsByNode.nodes()]) {
        const node = nodes.get(name)
        if (node && !isEvicting(node)) continue
        for (const key of podsByNode.of(name)) {
          const pod = store.get<Pod>('pods', key)
          if (pod?.metadata.uid !== key.uid) continue
          if (!node) seen.add(key.uid)
          next = Math.min(next, node ? judge(pod, node) : orphan(pod))
        }
      }
      // a node that came back, or a pod that went, begins anew
      for (const uid of orphans.keys()) if (!seen.has(uid)) orphans.delete(uid)
      return next
    },
  }
}

/** Whether a node has taints that evict. */
export function isEvicting(node: Node): boolean {
  return (node.spec?.taints ?? []).some(({ effect }) => effect === 'NoExecute')
}
