import type { V1Pod } from '@kubernetes/client-node'
import type { AgentContext } from '../context.ts'
import type { Mirror } from '../mirror.ts'
import type { CarrierApi } from './carrier-api.ts'
import { carriedUid } from './decide.ts'
import type { UserPodApi } from './user-api.ts'

export interface GarbageOptions {
  context: Pick<AgentContext, 'clock' | 'logger' | 'recorder' | 'nodeName'>
  users: Pick<Mirror<V1Pod>, 'get' | 'isSynced' | 'staleSinceMs'>
  carriers: Pick<Mirror<V1Pod>, 'values' | 'size' | 'isSynced'>
  userApi: Pick<UserPodApi, 'exists'>
  carrierApi: Pick<CarrierApi, 'remove'>
}

/** A pod has to look orphaned twice, this far apart. */
const BETWEEN_MS = 60_000
const GRACE_SECONDS = 30

/**
 * Removes carrying pods whose user pod is no more, which is the most dangerous thing that a virtual kubelet
 * does (three peers deleted healthy pods at a restart): only with both sides whole and current, matched by UID,
 * seen twice a minute apart, confirmed by the API server itself, and never more than max(10, 5 %) at a time:
 * more than that is a fault of ours, and is reported instead (virtual-kubelet.md §2.6).
 * Returns the pass, to be called from time to time.
 */
export function createGarbageCollector(options: GarbageOptions): () => Promise<void> {
  const { context, users, carriers, userApi, carrierApi } = options
  let suspects = new Map<string, number>()

  return async () => {
    if (!users.isSynced() || users.staleSinceMs() !== undefined || !carriers.isSynced()) {
      suspects = new Map()
      return
    }
    const now = context.clock.elapsed()
    const orphans = [...carriers.values()].filter((pod) => {
      const uid = carriedUid(pod)
      return uid !== undefined && !users.get(uid) && !pod.metadata?.deletionTimestamp
    })
    suspects = new Map(
      orphans.map((pod) => {
        const uid = carriedUid(pod) ?? ''
        return [uid, suspects.get(uid) ?? now]
      }),
    )
    const ripe = orphans.filter((pod) => now - (suspects.get(carriedUid(pod) ?? '') ?? now) >= BETWEEN_MS)
    const cap = Math.max(10, Math.ceil(carriers.size * 0.05))
    if (ripe.length > cap) {
      const message = `${ripe.length} carried pods have no pod in this cluster, more than the ${cap} that are removed at a time; none was removed`
      context.logger.error({ orphans: ripe.length, cap }, message)
      context.recorder.event(
        { kind: 'Node', name: context.nodeName, uid: context.nodeName },
        'Warning',
        'TooManyOrphans',
        message,
      )
      return
    }
    for (const pod of ripe) {
      const { namespace = '', name = '' } = pod.metadata ?? {}
      if (await userApi.exists(namespace, name, carriedUid(pod) ?? '')) continue
      context.logger.info({ namespace, name }, 'a carried pod has no pod in the user’s cluster any more')
      await carrierApi.remove(pod, pod.spec?.terminationGracePeriodSeconds || GRACE_SECONDS)
    }
  }
}
