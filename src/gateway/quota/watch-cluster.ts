import type { V1Namespace, V1Pod } from '@kubernetes/client-node'
import { isKubeApiError, type KubeClient } from '../../kube/client/types.ts'
import { createReflector } from '../../kube/watch/index.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Logger } from '../../lib/logger.ts'
import { NODE_LABEL, RESERVATION_LABEL } from '../kubernetes/index.ts'
import { type CarriedPod, carriedPod } from './carried-pod.ts'
import type { QuotaLedger } from './index.ts'
import { makeComparison, type ReconcileDeps } from './reconcile-cluster.ts'

export interface WatchClusterOptions extends ReconcileDeps {
  clusterId: string
  client: KubeClient
  ledger: QuotaLedger
  clock: Clock
  logger: Logger
  signal: AbortSignal
}

/**
 * Watches what one data plane carries and gives quota back the moment it is free; every `compareMs` everything is compared.
 * Works until the signal is aborted.
 */
export async function watchCluster(options: WatchClusterOptions): Promise<void> {
  const { clusterId, client, ledger, clock, logger, signal } = options
  const pods = new Map<string, CarriedPod>()
  const namespaces = new Set<string>()

  const take = async (pod: V1Pod) => {
    const carried = carriedPod(pod)
    if (!carried) return
    pods.set(carried.reservationId, carried)
    if (carried.finished) await ledger.release(carried.reservationId)
  }
  const podWatch = createReflector<V1Pod & { metadata: object }>({
    client,
    path: ['api', 'v1', 'pods'],
    query: { labelSelector: RESERVATION_LABEL },
    clock,
    logger,
    random: Math.random,
    signal,
    async onReplaced(items) {
      pods.clear()
      for (const pod of items) await take(pod)
    },
    async onEvent(type, pod) {
      if (type !== 'DELETED') return take(pod)
      const carried = carriedPod(pod)
      if (!carried) return
      pods.delete(carried.reservationId)
      await ledger.release(carried.reservationId)
    },
  })
  const namespaceWatch = createReflector<V1Namespace & { metadata: object }>({
    client,
    path: ['api', 'v1', 'namespaces'],
    query: { labelSelector: NODE_LABEL },
    clock,
    logger,
    random: Math.random,
    signal,
    onReplaced(items) {
      namespaces.clear()
      for (const { metadata } of items) namespaces.add(metadata?.name ?? '')
    },
    async onEvent(type, { metadata }) {
      const name = metadata?.name ?? ''
      if (type !== 'DELETED') return void namespaces.add(name)
      namespaces.delete(name)
      const nodeId = metadata?.labels?.[NODE_LABEL]
      if (nodeId) await options.registry.drop(nodeId, name)
    },
  })

  const compare = makeComparison(options)
  async function comparing(): Promise<void> {
    while (!signal.aborted) {
      await clock.sleep(options.compareMs, signal, { ref: false }).catch(() => {})
      if (signal.aborted) return
      try {
        await removeLeftovers(options)
        await removeNodes(options)
        if (podWatch.isSynced() && namespaceWatch.isSynced())
          await compare({ clusterId, client, pods, namespaces })
      } catch (error) {
        logger.warn({ err: error, clusterId }, 'ledger and data plane could not be compared')
      }
    }
  }
  await Promise.all([podWatch.run(), namespaceWatch.run(), comparing()])
}

/** What forced removals could not delete while the data plane was away; forgotten once it says that it is gone. */
async function removeLeftovers({ store, client, clusterId }: WatchClusterOptions): Promise<void> {
  for (const name of await store.leftovers(clusterId)) {
    if (await isGone(client, name)) await store.forgetLeftover(name)
  }
}

/** Asks for the deletion of a namespace; true when there is none. */
async function isGone(client: KubeClient, name: string): Promise<boolean> {
  try {
    await client.json({ method: 'DELETE', path: ['api', 'v1', 'namespaces', name] })
  } catch (error) {
    if (isKubeApiError(error, 404)) return true
    if (!isKubeApiError(error, 409)) throw error
  }
  return false
}

/** Goes on with the removal of nodes: the namespaces are deleted once nothing has to be waited for. */
async function removeNodes({ store, client, clusterId }: WatchClusterOptions): Promise<void> {
  for (const { mode, reservations, physicalNamespaces } of await store.removals(clusterId)) {
    if (mode === 'drain' && reservations > 0) continue
    for (const name of physicalNamespaces) await isGone(client, name)
  }
  await store.finishRemovals()
}
