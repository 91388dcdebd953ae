import type { V1Pod } from '@kubernetes/client-node'
import { changesOf } from '../../kube/forge/changes.ts'
import type { ForgeFacts } from '../../kube/forge/to-data-plane.ts'
import type { Refusal } from '../../kube/forge/unsupported.ts'
import type { CarrierApi } from './carrier-api.ts'
import { refusalOfAnswer } from './refusals.ts'

export interface UpdatesOptions {
  carrierApi: Pick<CarrierApi, 'patch'>
  facts: ForgeFacts
  elapsed(): number
  /** The carrying pod as a write answered it. */
  onWritten(carried: V1Pod): void
  /** A change was refused: told to the user, once for each generation. */
  onRefused(user: V1Pod, why: Refusal): void
}

/** What the user changed in a carried pod, brought to the pod that carries it. */
export interface Updates {
  /** Returns when to try again what was refused, in milliseconds. @throws what may pass by itself */
  bring(user: V1Pod, carried: V1Pod): Promise<number | undefined>
  /** Why the resize that this pod wants has not passed, if it was refused. */
  deferredResize(user: V1Pod): string | undefined
  forget(uid: string): void
}

type Door = 'resize' | 'ephemeralcontainers' | 'pod'

/** In this order: the generation travels with the last one, so that it says what has arrived. */
const doors: readonly Door[] = ['resize', 'ephemeralcontainers', 'pod']
/** What was refused for want of quota, or by policy, is asked again so much later. */
const QUOTA_AGAIN_MS = 30_000
const REFUSED_AGAIN_MS = 10 * 60_000

interface Refused {
  generation: number | undefined
  message: string
  againAtMs: number
}

/** Makes the bringer of updates; one change that is refused holds up no other. */
export function createUpdates(options: UpdatesOptions): Updates {
  const refused = new Map<string, Refused>()
  const keyOf = (uid: string, door: Door) => `${uid}/${door}`

  /** The refusal of what the pod wants now; one of an earlier generation says nothing of it. */
  function lastRefusal(key: string, user: V1Pod): Refused | undefined {
    const last = refused.get(key)
    return last?.generation === user.metadata?.generation ? last : undefined
  }

  /** Milliseconds until this door is tried again; 0 when it may be now. */
  function pause(key: string, user: V1Pod): number {
    return Math.max(0, (lastRefusal(key, user)?.againAtMs ?? 0) - options.elapsed())
  }

  async function through(
    door: Door,
    key: string,
    user: V1Pod,
    carried: V1Pod,
    patch: object,
  ): Promise<number> {
    const wait = pause(key, user)
    if (wait > 0) return wait
    try {
      options.onWritten(await options.carrierApi.patch(carried, patch, door === 'pod' ? undefined : door))
      refused.delete(key)
      return 0
    } catch (error) {
      const why = refusalOfAnswer(error)
      if (!why || why.until === 'soon') throw error
      const generation = user.metadata?.generation
      if (refused.get(key)?.generation !== generation) {
        options.onRefused(user, { reason: `Update${why.reason}`, message: why.message })
      }
      const againMs = why.until === 'quota' ? QUOTA_AGAIN_MS : REFUSED_AGAIN_MS
      refused.set(key, { generation, message: why.message, againAtMs: options.elapsed() + againMs })
      return againMs
    }
  }

  return {
    async bring(user, carried) {
      const uid = user.metadata?.uid ?? ''
      const changes = changesOf(user, carried, options.facts)
      let again: number | undefined
      for (const door of doors) {
        const patch = changes[door]
        if (!patch) continue
        const wait = await through(door, keyOf(uid, door), user, carried, patch)
        if (wait > 0) again = Math.min(again ?? wait, wait)
      }
      return again
    },
    deferredResize: (user) => lastRefusal(keyOf(user.metadata?.uid ?? '', 'resize'), user)?.message,
    forget(uid) {
      for (const door of doors) refused.delete(keyOf(uid, door))
    },
  }
}
