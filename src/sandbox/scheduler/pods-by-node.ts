import type { StoreEvent } from '../store/types.ts'
import type { Pod } from './types.ts'

export interface PodKey {
  namespace: string
  name: string
  uid: string
}

/** Which pods are bound to which node, kept true by the store's events. */
export interface PodsByNode {
  /** Returns the node that the pod is bound to. */
  onPod(event: StoreEvent<Pod>): string | undefined
  /** Names of nodes that have pods, whether or not they exist. */
  nodes(): Iterable<string>
  of(node: string): PodKey[]
}

export function createPodsByNode(): PodsByNode {
  const index = new Map<string, Map<string, PodKey>>()
  return {
    onPod({ type, object }) {
      const { namespace = '', name, uid } = object.metadata
      const node = object.spec.nodeName
      if (!node) return undefined
      const pods = index.get(node) ?? new Map<string, PodKey>()
      if (type === 'DELETED') pods.delete(uid)
      else if (!pods.has(uid)) pods.set(uid, { namespace, name, uid })
      if (pods.size > 0) index.set(node, pods)
      else index.delete(node)
      return node
    },
    nodes: () => index.keys(),
    of: (node) => [...(index.get(node)?.values() ?? [])],
  }
}
