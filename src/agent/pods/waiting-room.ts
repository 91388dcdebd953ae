import type { V1Pod } from '@kubernetes/client-node'
import type { Waiting } from './refusals.ts'

/** Pods that are not carried, each with why; freed quota is given by priority, then age (rule 38). */
export interface WaitingRoom {
  put(uid: string, why: Waiting, generation: number | undefined): void
  leave(uid: string): void
  get(uid: string): Waiting | undefined
  /** Whether a new try is of use: it is due, it is not waiting, or the pod changed since. */
  isDue(pod: V1Pod): boolean
  /** Those that wait for quota and may fit, in the order in which they are to be tried; each is due from now on. */
  dueForQuota(find: (uid: string) => V1Pod | undefined, fits: (pod: V1Pod) => boolean): string[]
  /** Everybody is due: the writer, or the gateway's policy, may be another. */
  reopen(): string[]
}

interface Seat {
  why: Waiting
  generation: number | undefined
  due: boolean
}

function created(pod: V1Pod): number {
  return pod.metadata?.creationTimestamp ? new Date(pod.metadata.creationTimestamp).getTime() : 0
}

/** Order of two pods that wait for the same: higher priority first, then the older one. */
export function byPriorityThenAge(a: V1Pod, b: V1Pod): number {
  return (b.spec?.priority ?? 0) - (a.spec?.priority ?? 0) || created(a) - created(b)
}

/** Makes an empty waiting room. */
export function createWaitingRoom(): WaitingRoom {
  const seats = new Map<string, Seat>()
  return {
    put: (uid, why, generation) => void seats.set(uid, { why, generation, due: false }),
    leave: (uid) => void seats.delete(uid),
    get: (uid) => seats.get(uid)?.why,
    isDue(pod) {
      const seat = seats.get(pod.metadata?.uid ?? '')
      if (!seat || seat.due || seat.why.until === 'soon' || seat.why.until === 'object') return true
      return seat.generation !== pod.metadata?.generation
    },
    dueForQuota(find, fits) {
      const pods: V1Pod[] = []
      for (const [uid, seat] of seats) {
        const pod = find(uid)
        if (seat.why.until !== 'quota' || !pod || !fits(pod)) continue
        seat.due = true
        pods.push(pod)
      }
      return pods.sort(byPriorityThenAge).map((pod) => pod.metadata?.uid ?? '')
    },
    reopen() {
      for (const seat of seats.values()) seat.due = true
      return [...seats.keys()]
    },
  }
}
