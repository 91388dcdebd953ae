import type { V1Namespace, V1NamespaceList } from '@kubernetes/client-node'
import { annotation } from '../../kube/forge/names.ts'
import { isKubeApiError } from '../../kube/index.ts'
import type { AgentContext } from '../context.ts'

/** Virtual namespaces behind the gateway: made with the first object in them, gone when nothing uses them. */
export interface Namespaces {
  /** Idempotent; cheap once the namespace is known to be there. */
  ensure(name: string): Promise<void>
  /** It turned out to be missing: `ensure` makes it again. */
  forget(name: string): void
  /** Removes those that nothing has used for ten minutes; `isUsed` tells. Called from time to time. */
  removeIdle(isUsed: (name: string) => boolean): Promise<void>
}

const IDLE_MS = 10 * 60_000
const COLLECTION = ['api', 'v1', 'namespaces']

/** Makes the keeper of the virtual namespaces. */
export function createNamespaces(
  context: Pick<AgentContext, 'gateway' | 'nodeName' | 'clock' | 'logger'>,
): Namespaces {
  const { gateway, nodeName, clock, logger } = context
  const known = new Map<string, Promise<void>>()
  const idleSince = new Map<string, number>()

  async function create(name: string): Promise<void> {
    const body = {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name, annotations: { [annotation.madeBy]: nodeName } },
    }
    try {
      await gateway.json<V1Namespace>({ method: 'POST', path: COLLECTION, body })
    } catch (error) {
      if (!isKubeApiError(error, 409)) throw error // there already, ours or a client's
    }
  }

  return {
    ensure(name) {
      idleSince.delete(name)
      let making = known.get(name)
      if (!making) {
        making = create(name)
        known.set(name, making)
        making.catch(() => known.delete(name))
      }
      return making
    },
    forget: (name) => void known.delete(name),
    async removeIdle(isUsed) {
      const { items } = await gateway.json<V1NamespaceList>({ method: 'GET', path: COLLECTION })
      const now = clock.elapsed()
      for (const { metadata } of items) {
        const name = metadata?.name
        // A namespace that a client made directly is the client's.
        if (!name || metadata?.annotations?.[annotation.madeBy] !== nodeName || metadata.deletionTimestamp)
          continue
        if (isUsed(name)) {
          idleSince.delete(name)
          continue
        }
        const since = idleSince.get(name) ?? now
        idleSince.set(name, since)
        if (now - since < IDLE_MS) continue
        logger.info({ namespace: name }, 'nothing has used the namespace for ten minutes')
        known.delete(name)
        idleSince.delete(name)
        const preconditions = { uid: metadata.uid }
        await gateway.json({ method: 'DELETE', path: [...COLLECTION, name], body: { preconditions } })
      }
    },
  }
}
