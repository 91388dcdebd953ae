import type { Clock } from '../../lib/clock.ts'
import type { Logger } from '../../lib/logger.ts'
import { isIsthmusError } from '../../protocol/errors/index.ts'
import { createEventRecorder, subjectOf } from '../events.ts'
import { createWake } from '../runtime/wake.ts'
import type { ResourceStore } from '../store/types.ts'
import { withCondition } from './condition.ts'
import { filterNode, hostPortsOf, type NodeState, type Rejection } from './filter.ts'
import { addAmounts, allocatableOf, requestsOf } from './fit.ts'
import { fitMessage } from './message.ts'
import { isTerminal, type Node, type Pod } from './types.ts'

export interface SchedulerOptions {
  store: ResourceStore
  clock: Clock
  logger: Logger
  /** Pods that name another scheduler are left alone; `default-scheduler` by default. */
  name?: string
}

function nodeStates(store: ResourceStore): Map<string, NodeState> {
  const states = new Map<string, NodeState>()
  for (const node of store.list<Node>('nodes').items) {
    if (node.metadata.deletionTimestamp) continue
    const state = { node, allocatable: allocatableOf(node), used: new Map(), hostPorts: new Set<string>() }
    states.set(node.metadata.name, state)
  }
  for (const pod of store.list<Pod>('pods').items) {
    const state = pod.spec.nodeName ? states.get(pod.spec.nodeName) : undefined
    if (state && !isTerminal(pod)) place(pod, state)
  }
  return states
}

function place(pod: Pod, state: NodeState): void {
  addAmounts(state.used, requestsOf(pod))
  for (const port of hostPortsOf(pod)) state.hostPorts.add(port)
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

  const schedule = (pod: Pod, states: Map<string, NodeState>) => {
    if (pod.spec.schedulingGates?.length) {
      wait(pod, 'SchedulingGated', 'Scheduling is blocked due to non-empty scheduling gates')
      return
    }
    const rejections: Rejection[] = []
    const fitting: NodeState[] = []
    for (const state of states.values()) {
      const rejection = filterNode(pod, state)
      if (rejection) rejections.push(rejection)
      else fitting.push(state)
    }
    const best = fitting.sort((a, b) => fullness(pod, a) - fullness(pod, b))[0]
    if (!best) {
      wait(pod, 'Unschedulable', fitMessage(rejections))
      return
    }
    bind(pod, best.node.metadata.name)
    place(pod, best)
  }

  const round = () => {
    const waiting = store
      .list<Pod>('pods', { fieldSelector: 'spec.nodeName=' })
      .items.filter((pod) => (pod.spec.schedulerName ?? 'default-scheduler') === name)
      .filter((pod) => !pod.metadata.deletionTimestamp && !isTerminal(pod))
    if (waiting.length === 0) return
    const age = (pod: Pod) => Date.parse(pod.metadata.creationTimestamp)
    const order = [...waiting].sort(
      (a, b) => (b.spec.priority ?? 0) - (a.spec.priority ?? 0) || age(a) - age(b),
    )
    const states = nodeStates(store)
    for (const pod of order) {
      try {
        schedule(pod, states)
      } catch (error) {
        // a pod whose amounts can not be read is not to hold up the others
        if (!isIsthmusError(error)) throw error
        logger.warn({ err: error, pod: pod.metadata.name }, 'a pod could not be scheduled')
      }
    }
  }

  const run = async () => {
    while (!ended.signal.aborted) {
      round()
      await wake.wait(Number.POSITIVE_INFINITY, ended.signal)
      // whatever comes in one turn of the event loop is one round
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  const watches = ['pods', 'nodes'].map((resource) => store.watch(resource, { onEvent: () => wake.ring() }))
  run().catch((error: unknown) => logger.error({ err: error }, 'the scheduler has ended'))
  return () => {
    ended.abort()
    for (const end of watches) end()
  }
}
