import type { StoreEvent } from '../store/types.ts'
import { hostPortsOf, type NodeState } from './filter.ts'
import { type Amounts, addAmounts, allocatableOf, requestsOf, subtractAmounts } from './fit.ts'
import { isTerminal, type Node, type Pod } from './types.ts'

interface Placed {
  node: string
  generation: number | undefined
  requests: Amounts
  hostPorts: string[]
}

/** Nodes with what is on them, kept true by the store's events, so that a round costs what it schedules and no more. */
export interface ClusterState {
  readonly nodes: ReadonlyMap<string, NodeState>
  /** Returns whether room may have come, or a node that was refused may fit now. */
  onNode(event: StoreEvent<Node>): boolean
  onPod(event: StoreEvent<Pod>): boolean
  /** Counts a pod that was just bound; its event says the same again. */
  place(pod: Pod, node: string): void
}

export function createClusterState(): ClusterState {
  const nodes = new Map<string, NodeState>()
  const placed = new Map<string, Placed>()

  const add = (entry: Placed) => {
    const state = nodes.get(entry.node)
    if (!state) return
    addAmounts(state.used, entry.requests)
    for (const port of entry.hostPorts) state.hostPorts.add(port)
  }
  const remove = (uid: string): boolean => {
    const entry = placed.get(uid)
    if (!entry) return false
    placed.delete(uid)
    const state = nodes.get(entry.node)
    if (!state) return false
    subtractAmounts(state.used, entry.requests)
    for (const port of entry.hostPorts) state.hostPorts.delete(port)
    return true
  }
  const place = (pod: Pod, node: string) => {
    const { uid, generation } = pod.metadata
    remove(uid)
    const entry = { node, generation, requests: requestsOf(pod), hostPorts: hostPortsOf(pod) }
    placed.set(uid, entry)
    add(entry)
  }

  return {
    nodes,
    place,
    onNode({ type, object }) {
      const { name } = object.metadata
      const before = nodes.get(name)
      if (type === 'DELETED' || object.metadata.deletionTimestamp) {
        nodes.delete(name)
        return true
      }
      const allocatable = allocatableOf(object)
      if (before) {
        nodes.set(name, { ...before, node: object, allocatable })
        return true
      }
      nodes.set(name, { node: object, allocatable, used: new Map(), hostPorts: new Set() })
      for (const entry of placed.values()) if (entry.node === name) add(entry)
      return true
    },
    onPod({ type, object }) {
      const { uid, generation } = object.metadata
      const node = object.spec.nodeName
      if (type === 'DELETED' || isTerminal(object)) return remove(uid)
      if (!node) return true
      const entry = placed.get(uid)
      // a status alone changes nothing here
      if (entry?.node === node && entry.generation === generation) return false
      place(object, node)
      return entry !== undefined
    },
  }
}
