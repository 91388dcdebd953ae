import type { Clock } from '../../lib/clock.ts'
import { createEventRecorder, kubeTime, subjectOf } from '../events.ts'
import type { PodCondition } from '../runtime/types.ts'
import type { KubeObject, ResourceStore } from '../store/types.ts'
import { withCondition } from './condition.ts'
import { isTerminal, type Node, type NodeCondition, type Pod } from './types.ts'

interface Lease extends KubeObject {
  spec?: { renewTime?: string }
}

interface Heard {
  uid: string
  renewed: string
  posted: string
  at: number
  ready: boolean
}

/** When each node was last heard of, by our clock: a node's own clock may be wrong (as the controller does it). */
export interface NodeHealth {
  /** Judges every node by its lease. Returns when the next may fall silent, ms since the epoch. */
  check(): number
}

const STOPPED = 'Kubelet stopped posting node status.'
const unknownWhenSilent = ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure']

function silenced(node: Node, now: string): NodeCondition[] {
  const current = node.status?.conditions ?? []
  const others = current.filter(({ type }) => !unknownWhenSilent.includes(type))
  const own = unknownWhenSilent.map((type): NodeCondition => {
    const before = current.find((condition) => condition.type === type)
    if (before?.status === 'Unknown') return before
    const reason = before ? 'NodeStatusUnknown' : 'NodeStatusNeverUpdated'
    const message = before ? STOPPED : 'Kubelet never posted node status.'
    return { ...before, type, status: 'Unknown', reason, message, lastTransitionTime: now }
  })
  return [...own, ...others]
}

/** Sets Ready=False on the pods of a node that is not: what serves them must look elsewhere. */
function markPodsNotReady(store: ResourceStore, node: string, now: number): void {
  for (const pod of store.list<Pod>('pods', { fieldSelector: `spec.nodeName=${node}` }).items) {
    const ready = pod.status?.conditions?.find(({ type }) => type === 'Ready')
    if (isTerminal(pod) || ready?.status !== 'True') continue
    const next: PodCondition = { ...ready, status: 'False' }
    const conditions = withCondition(pod, next, now)
    const { namespace, name, uid } = pod.metadata
    if (conditions) store.patchStatus('pods', { namespace, name, uid }, { conditions })
  }
}

/** The node monitor of the node lifecycle controller. */
export function createNodeHealth(store: ResourceStore, clock: Clock, graceMs: number): NodeHealth {
  const events = createEventRecorder({ store, clock, component: 'node-controller' })
  const heard = new Map<string, Heard>()

  const judge = (node: Node): number => {
    const { name, uid } = node.metadata
    const now = clock.now()
    const lease = store.get<Lease>('leases.coordination.k8s.io', { namespace: 'kube-node-lease', name })
    const ready = node.status?.conditions?.find(({ type }) => type === 'Ready')
    const renewed = lease?.spec?.renewTime ?? ''
    const posted = ready?.lastHeartbeatTime ?? ''
    const before = heard.get(name)
    // a lease renewed, or a status posted; our own Unknown is no sign of life
    const alive = renewed !== before?.renewed || (posted !== before.posted && ready?.status !== 'Unknown')
    const fresh = before?.uid !== uid || alive
    const at = fresh ? now : before.at
    const silent = now - at >= graceMs
    if (silent && ready?.status !== 'Unknown') {
      store.patchStatus('nodes', { name, uid }, { conditions: silenced(node, kubeTime(now)) })
    }
    const isReady = ready?.status === 'True' && !silent
    // a kubelet that says NotReady itself tells of its pods itself
    if (before?.uid === uid && before.ready && silent) {
      markPodsNotReady(store, name, now)
      events.record(subjectOf(node), 'Normal', 'NodeNotReady', `Node ${name} status is now: NodeNotReady`)
    }
    heard.set(name, { uid, renewed, posted, at, ready: isReady })
    return silent ? Number.POSITIVE_INFINITY : at + graceMs
  }

  return {
    check() {
      const { items } = store.list<Node>('nodes')
      const names = new Set(items.map((node) => node.metadata.name))
      for (const name of heard.keys()) if (!names.has(name)) heard.delete(name)
      return Math.min(Number.POSITIVE_INFINITY, ...items.map(judge))
    },
  }
}
