import type { V1Pod } from '@kubernetes/client-node'
import { annotation, CARRIED } from '../../kube/forge/names.ts'
import { allStatuses, isTerminal } from '../../kube/forge/to-user.ts'
import { type Refusal, refusalOf } from '../../kube/forge/unsupported.ts'

/** What is known of one UID on both sides. */
export interface Situation {
  user: V1Pod | undefined
  carried: V1Pod | undefined
  /** The last that was seen of a user's pod that is gone: with which grace it was deleted. */
  lastUser?: V1Pod
  /** This process has seen the user's pod go (and not merely never seen it). */
  userGone: boolean
  /** This process has seen a carrying pod, whatever became of it. */
  carriedSeen: boolean
}

/** The one thing to do next; every step is idempotent and leads to another decision. */
export type Step =
  | { do: 'nothing' }
  /** Make the carrying pod. */
  | { do: 'create' }
  /** Keep both sides level: status back, spec changes there. */
  | { do: 'level' }
  /** Delete the carrying pod with this grace, in seconds. */
  | { do: 'delete-carried'; graceSeconds: number }
  /** The user's pod is being deleted and nothing carries it: final status, then the object. */
  | { do: 'finish' }
  /** It was carried, and the data plane no longer has it: Failed, so that its controller replaces it. */
  | { do: 'lost' }
  /** It can not be carried: said so on the pod. */
  | { do: 'refuse'; why: Refusal }

const DEFAULT_GRACE_SECONDS = 30

/** Grace 0 is never passed on: the object would vanish, and its quota, while containers run (rule 37). */
function graceOf(pod: V1Pod): number {
  return Math.max(1, pod.metadata?.deletionGracePeriodSeconds ?? DEFAULT_GRACE_SECONDS)
}

/** Whether the user's pod says that it was carried once. */
export function wasCarried(user: V1Pod): boolean {
  const condition = user.status?.conditions?.find(({ type }) => type === CARRIED)
  if (condition) return condition.status === 'True'
  return allStatuses(user.status).length > 0
}

const isRunning = (pod: V1Pod) => allStatuses(pod.status).some(({ state }) => state?.running)

/** Whether the carrying pod is to be told to end now, or sooner than it was told. */
function needsDelete(carried: V1Pod, graceSeconds: number): boolean {
  if (!carried.metadata?.deletionTimestamp) return true
  const given = carried.metadata.deletionGracePeriodSeconds
  return given !== undefined && given > graceSeconds
}

/** One that was deleted by force is gone before anybody could act on it: what it said last still holds. */
function graceOfGone(last: V1Pod | undefined, carried: V1Pod): number {
  const said = last?.metadata?.deletionGracePeriodSeconds
  if (last && said !== undefined) return graceOf(last)
  return carried.spec?.terminationGracePeriodSeconds || 1
}

/**
 * What to do about one pod, by UID (virtual-kubelet.md §2.4, agent-rules.md 35–37). Pure.
 * An absent carrying pod is only what the mirror says: whoever acts on it asks the gateway first.
 */
export function decide({ user, carried, lastUser, userGone, carriedSeen }: Situation): Step {
  if (!user) {
    if (!carried || !userGone) return { do: 'nothing' }
    const graceSeconds = graceOfGone(lastUser, carried)
    return needsDelete(carried, graceSeconds) ? { do: 'delete-carried', graceSeconds } : { do: 'nothing' }
  }
  if (user.metadata?.deletionTimestamp) {
    if (!carried) return { do: 'finish' }
    const graceSeconds = graceOf(user)
    return needsDelete(carried, graceSeconds) ? { do: 'delete-carried', graceSeconds } : { do: 'level' }
  }
  if (isTerminal(user)) {
    // Somebody else ended it (PodGC, an eviction): its containers must not go on. One that ended by itself
    // stays in the data plane for its logs until the user's object goes (rule 35).
    const alive =
      carried && !isTerminal(carried) && isRunning(carried) && !carried.metadata?.deletionTimestamp
    return alive ? { do: 'delete-carried', graceSeconds: graceOf(user) } : { do: 'nothing' }
  }
  if (carried) return { do: 'level' }
  const why = refusalOf(user)
  if (why) return { do: 'refuse', why }
  return carriedSeen || wasCarried(user) ? { do: 'lost' } : { do: 'create' }
}

/** UID of the user's pod that a pod behind the gateway carries; undefined for one that is not the agent's. */
export function carriedUid(pod: V1Pod): string | undefined {
  return pod.metadata?.annotations?.[annotation.uid] || undefined
}
