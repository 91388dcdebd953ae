import type { Clock } from '../../lib/clock.ts'
import type { Logger } from '../../lib/logger.ts'
import { isIsthmusError } from '../../protocol/errors/index.ts'
import { createEventRecorder, subjectOf } from '../events.ts'
import { createWake } from '../runtime/wake.ts'
import type { ResourceStore, StoreEvent } from '../store/types.ts'
import { createClusterState } from './cluster-state.ts'
import { withCondition } from './condition.ts'
import { filterNode, type NodeState, type Rejection } from './filter.ts'
import { requestsOf } from './fit.ts'
import { fitMessage } from './message.ts'
import { isTerminal, type Node, type Pod } from './types.ts'

export interface SchedulerOptions {
  store: ResourceStore
  clock: Clock
  logger: Logger
  /** Pods that name another scheduler are left alone; `default-scheduler` by default. */
  name?: string
}

/** How full a node would be, in thousandths of its scarcer of cpu and memory; pods spread to the emptier one. */
function fullness(pod: Pod, state: NodeState): number {
  const requests = requestsOf(pod)
  const shares = ['cpu', 'memory', 'pods'].map((name) => {
    const total = state.allocatable.get(name) ?? 0n
    const used = (state.used.get(name) ?? 0n) + (requests.get(name) ?? 0n)
    return total === 0n ? 0 : Number((used * 1000n) / total)
  })
  return Math.max(...shares)
}

/**
 * Binds pending pods to nodes: by priority, then age, the emptiest node that passes the filters. Pods with scheduling
 * gates wait with SchedulingGated; those that fit nowhere wait with Unschedulable and a FailedScheduling Event.
 * Returns the function that ends it.
 */
export function startScheduler(options: SchedulerOptions): () => void {
  const { store, clock, logger, name = 'default-scheduler' } = options
  const events = createEventRecorder({ store, clock, component: name })
  const state = createClusterState()
  const waiting = new Map<string, Pod>()
  const wake = createWake(clock)
  const ended = new AbortController()

  const wait = (pod: Pod, reason: string, message: string) => {
    const condition = { type: 'PodScheduled', status: 'False', reason, message } as const
    const conditions = withCondition(pod, condition, clock.now())
    if (!conditions) return
    const { namespace, name, uid } = pod.metadata
    if (reason === 'Unschedulable') events.record(subjectOf(pod), 'Warning', 'FailedScheduling', message)
    store.patchStatus('pods', { namespace, name, uid }, { conditions })
  }

  const bind = (pod: Pod, node: string) => {
    const { namespace, name } = pod.metadata
    store.mutate<Pod>('pods', { namespace, name }, (next) => {
      next.spec.nodeName = node
      const conditions = withCondition(next, { type: 'PodScheduled', status: 'True' }, clock.now())
      if (conditions) next.status = { ...next.status, conditions }
    })
    const message = `Successfully assigned ${namespace}/${name} to ${node}`
    events.record(subjectOf(pod), 'Normal', 'Scheduled', message)
  }

  const schedule = (pod: Pod) => {
    if (pod.spec.schedulingGates?.length) {
      wait(pod, 'SchedulingGated', 'Scheduling is blocked due to non-empty scheduling gates')
      return
    }
    const rejections: Rejection[] = []
    const fitting: NodeState[] = []
    for (const each of state.nodes.values()) {
      const rejection = filterNode(pod, each)
      if (rejection) rejections.push(rejection)
      else fitting.push(each)
    }
    const best = fitting.sort((a, b) => fullness(pod, a) - fullness(pod, b))[0]
    if (!best) {
      wait(pod, 'Unschedulable', fitMessage(rejections))
      return
    }
    bind(pod, best.node.metadata.name)
    state.place(pod, best.node.metadata.name)
  }

  const round = () => {
    const age = (pod: Pod) => Date.parse(pod.metadata.creationTimestamp)
    const order = [...waiting.values()].sort(
      (a, b) => (b.spec.priority ?? 0) - (a.spec.priority ?? 0) || age(a) - age(b),
    )
    for (const pod of order) {
      try {
        schedule(pod)
      } catch (error) {
        // a pod that went meanwhile, or whose amounts can not be read, is not to hold up the others
        if (!isIsthmusError(error)) throw error
        logger.debug({ err: error, pod: pod.metadata.name }, 'a pod could not be scheduled')
      }
    }
  }

  const onPod = (event: StoreEvent<Pod>) => {
    const { object, type } = event
    const mine = (object.spec.schedulerName ?? 'default-scheduler') === name
    const open = type !== 'DELETED' && !object.metadata.deletionTimestamp && !isTerminal(object)
    if (mine && open && !object.spec.nodeName) waiting.set(object.metadata.uid, object)
    else waiting.delete(object.metadata.uid)
    if (state.onPod(event)) wake.ring()
  }

  const run = async () => {
    while (!ended.signal.aborted) {
      round()
      await wake.wait(Number.POSITIVE_INFINITY, ended.signal)
      // whatever comes in one turn of the event loop is one round
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  const watches = [
    store.watch<Node>('nodes', {
      onEvent: (event) => {
        if (state.onNode(event)) wake.ring()
      },
    }),
    store.watch<Pod>('pods', { onEvent: onPod }),
  ]
  run().catch((error: unknown) => logger.error({ err: error }, 'the scheduler has ended'))
  return () => {
    ended.abort()
    for (const end of watches) end()
  }
}
