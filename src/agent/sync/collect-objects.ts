import type { V1ConfigMapList, V1NamespaceList, V1Pod, V1SecretList } from '@kubernetes/client-node'
import { annotation } from '../../kube/forge/names.ts'
import type { AgentContext } from '../context.ts'
import type { Mirror } from '../mirror.ts'
import { carriedUid } from '../pods/decide.ts'
import type { CarriedObjects, ObjectKey } from './carried-objects.ts'
import { objectId, objectsUsedBy } from './used-objects.ts'

/** An object has to look unused twice, this far apart: a restarted agent takes a moment to hold what its pods use. */
const BETWEEN_MS = 60_000

const resources = [
  ['Secret', 'secrets'],
  ['ConfigMap', 'configmaps'],
] as const

export interface ObjectCollectorOptions {
  objects: Pick<CarriedObjects, 'has' | 'drop'>
  users: Pick<Mirror<V1Pod>, 'values' | 'get'>
  carriers: Pick<Mirror<V1Pod>, 'values'>
}

/**
 * Removes copies that no pod uses: what an agent that died left behind. Only objects that carry the agent's
 * annotation, in namespaces that it made, and only where every carried pod has its user's pod, whose spec says
 * what it uses. Returns the pass, to be called from time to time with both sides synced.
 */
export function createObjectCollector(
  context: Pick<AgentContext, 'gateway' | 'nodeName' | 'clock' | 'logger'>,
  { objects, users, carriers }: ObjectCollectorOptions,
): () => Promise<void> {
  let suspects = new Map<string, number>()

  async function* unused(): AsyncGenerator<ObjectKey> {
    const path = ['api', 'v1', 'namespaces']
    const used = objectsUsedBy(users.values())
    const unclear = new Set<string>()
    for (const pod of carriers.values()) {
      if (!users.get(carriedUid(pod) ?? '')) unclear.add(pod.metadata?.namespace ?? '')
    }
    const { items } = await context.gateway.json<V1NamespaceList>({ method: 'GET', path })
    for (const { metadata } of items) {
      const namespace = metadata?.name
      if (!namespace || unclear.has(namespace)) continue
      if (metadata.annotations?.[annotation.madeBy] !== context.nodeName) continue
      for (const [kind, resource] of resources) {
        // Names are needed alone, but the face serves whole objects; a namespace's copies are few.
        const list = await context.gateway.json<V1SecretList | V1ConfigMapList>({
          method: 'GET',
          path: [...path, namespace, resource],
        })
        for (const { metadata: found } of list.items) {
          const key: ObjectKey = { kind, namespace, name: found?.name ?? '' }
          if (!found?.annotations?.[annotation.uid] || used.has(objectId(key)) || objects.has(key)) continue
          yield key
        }
      }
    }
  }

  return async () => {
    const now = context.clock.elapsed()
    const seen = new Map<string, number>()
    for await (const key of unused()) {
      const id = objectId(key)
      const since = suspects.get(id) ?? now
      seen.set(id, since)
      if (now - since < BETWEEN_MS || objects.has(key)) continue
      context.logger.info({ ...key }, 'a copy that no pod uses is removed')
      objects.drop(key)
    }
    suspects = seen
  }
}
