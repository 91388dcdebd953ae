import type { Pod } from '../types.ts'
import { createPodTokens } from '../volumes/tokens.ts'
import { syncVolume } from '../volumes/volume.ts'
import type { RuntimeContext } from './context.ts'

/** The volumes of one pod. */
export interface Mounting {
  /** All volumes have been made once. */
  readonly ready: boolean
  /** When to sync again without being told, ms since the epoch. */
  readonly nextAt: number
  /** Makes the volumes true to their sources, one run at a time. @throws MountError of the first that can not be made. */
  sync(pod: Pod): Promise<void>
}

/** A kubelet's back-off of a failed mount is 500 ms at first; what is missing wakes the pod by itself when it comes. */
const RETRY_MS = 500
const RETRY_MAX_MS = 122_000

export function createMounting(context: RuntimeContext, dir: string): Mounting {
  const tokens = createPodTokens(context.requestToken, context.clock)
  let ready = false
  let failures = 0
  let retryAt = Number.POSITIVE_INFINITY
  return {
    get ready() {
      return ready
    },
    get nextAt() {
      return Math.min(retryAt, tokens.refreshAt)
    },
    async sync(pod) {
      const fields = { podIP: context.podIP, hostIP: context.hostIP }
      const { store, clock, allocatable } = context
      try {
        for (const volume of pod.spec.volumes ?? []) {
          await syncVolume(volume, { pod, store, clock, allocatable, fields, dir, tokens })
        }
        ready = true
        failures = 0
        retryAt = Number.POSITIVE_INFINITY
      } catch (error) {
        retryAt = clock.now() + Math.min(RETRY_MAX_MS, RETRY_MS * 2 ** failures++)
        throw error
      }
    },
  }
}
