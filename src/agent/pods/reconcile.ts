import type { V1Pod, V1PodStatus } from '@kubernetes/client-node'
import { finalStatus, waitingStatus } from '../../kube/forge/local-status.ts'
import { toDataPlane } from '../../kube/forge/to-data-plane.ts'
import { isTerminal, toUserStatus } from '../../kube/forge/to-user.ts'
import type { Refusal } from '../../kube/forge/unsupported.ts'
import { type AgentContext, timestamp } from '../context.ts'
import type { Mirror } from '../mirror.ts'
import { type CarrierApi, NameInUseError } from './carrier-api.ts'
import { decide, type Step, wasCarried } from './decide.ts'
import { createDelays } from './delays.ts'
import type { Dependencies } from './dependencies.ts'
import { refusalOfAnswer, type Waiting } from './refusals.ts'
import { createUpdates } from './updates.ts'
import type { UserPodApi } from './user-api.ts'
import type { WaitingRoom } from './waiting-room.ts'

export interface ReconcileOptions {
  context: AgentContext
  users: Mirror<V1Pod>
  carriers: Mirror<V1Pod>
  userApi: UserPodApi
  carrierApi: CarrierApi
  dependencies: Dependencies
  waitingRoom: WaitingRoom
  /** UIDs of user pods that this process saw go. */
  gone: Set<string>
  /** Something that bears on the Node's allocatable has changed. */
  onStanding(): void
}

/** How soon a pod that waits for its objects is looked at again, should no change announce itself. */
const LOOK_AGAIN_MS = 11_000
/** A refused pod is tried again now and then: the policy may have changed. */
const REFUSED_AGAIN_MS = 10 * 60_000

/** Why the data plane no longer has a pod: its own word where it gave one. */
function whyLost(last: V1Pod): Refusal {
  const target = last.status?.conditions?.find(({ type }) => type === 'DisruptionTarget')
  const reason = (target?.status === 'True' && target.reason) || 'DataPlaneLost'
  return { reason, message: target?.message || 'The pod no longer exists in the data plane.' }
}

/** The handler of one UID: decides, and does one thing. Returns when to look again, if at all. */
export function createReconcile(options: ReconcileOptions): (uid: string) => Promise<number | undefined> {
  const { context, users, carriers, userApi, carrierApi, dependencies, waitingRoom, gone } = options
  const { clock, recorder, facts } = context
  /** Pods whose removal was asked for: with finalizers a second DELETE changes nothing (rule 36). */
  const removed = new Set<string>()
  /** Statuses that the API server took without a change: it does not know a field; not sent again. */
  const idle = new Map<string, string>()

  const delays = createDelays(() => clock.elapsed())

  const statusFacts = (user: V1Pod) => ({
    hostIp: facts.hostIp,
    flatNetwork: context.self()?.cluster.network === 'flat',
    now: timestamp(clock),
    deferredResize: updates.deferredResize(user),
  })

  async function write(user: V1Pod, wanted: V1PodStatus): Promise<V1Pod | undefined> {
    const uid = user.metadata?.uid ?? ''
    const version = user.metadata?.resourceVersion ?? ''
    if (idle.get(uid) === version + JSON.stringify(wanted)) return user
    const now = await userApi.writeStatus(user, wanted)
    if (now && now !== user && now.metadata?.resourceVersion === version) {
      idle.set(uid, version + JSON.stringify(wanted))
    }
    if (now) users.put(now)
    return now
  }

  function tell(user: V1Pod, why: Refusal): void {
    const { name = '', namespace, uid } = user.metadata ?? {}
    recorder.event({ kind: 'Pod', name, namespace, uid }, 'Warning', why.reason, why.message)
  }

  const updates = createUpdates({
    carrierApi,
    facts,
    elapsed: () => clock.elapsed(),
    onWritten: (carried) => carriers.put(carried),
    onRefused: tell,
  })

  /** The pod waits: said on it and in an Event, and remembered. */
  async function wait(user: V1Pod, why: Waiting): Promise<number | undefined> {
    waitingRoom.put(user.metadata?.uid ?? '', why, user.metadata?.generation)
    options.onStanding()
    if (why.message !== '') {
      await write(user, waitingStatus(user, why, timestamp(clock)))
      tell(user, why)
    }
    if (why.until === 'object' || why.until === 'soon') return LOOK_AGAIN_MS
    return why.until === 'changed' ? REFUSED_AGAIN_MS : undefined
  }

  async function create(user: V1Pod): Promise<number | undefined> {
    const uid = user.metadata?.uid ?? ''
    if (!waitingRoom.isDue(user)) return undefined
    const waiting = await dependencies.settle(user)
    if (waiting) return wait(user, waiting)
    try {
      // The user's pod may have gone, or begun to, while its objects were brought along.
      const now = users.get(uid)
      if (!now || now.metadata?.deletionTimestamp || !context.isWriter()) return 0
      const carried = await carrierApi.create(toDataPlane(now, facts))
      waitingRoom.leave(uid)
      carriers.put(carried)
      options.onStanding()
      return undefined
    } catch (error) {
      if (error instanceof NameInUseError) {
        await wait(user, { reason: 'NameInUse', message: error.message, until: 'soon' })
        throw error
      }
      const why = refusalOfAnswer(error)
      if (!why) throw error
      const again = await wait(user, why)
      if (why.until === 'soon') throw error // with the queue's back-off
      return again
    }
  }

  async function level(user: V1Pod, carried: V1Pod): Promise<number | undefined> {
    waitingRoom.leave(user.metadata?.uid ?? '')
    const wanted = toUserStatus(user, carried, statusFacts(user))
    const now = wanted ? await write(user, wanted) : user
    if (!now) return undefined
    if (now.metadata?.deletionTimestamp || carried.metadata?.deletionTimestamp) return undefined
    await dependencies.attend(now)
    if (isTerminal(carried)) return undefined
    const deferred = updates.deferredResize(now)
    const again = await updates.bring(now, carried)
    // That a resize waits, or waits no more, is a condition of the pod.
    return updates.deferredResize(now) === deferred ? again : 0
  }

  /** What carries the pod by the gateway's own word, where the mirror knows of nothing. */
  async function carrierNow(user: V1Pod): Promise<V1Pod | undefined> {
    const { namespace = '', name = '', uid = '' } = user.metadata ?? {}
    const carried = await carrierApi.get(namespace, name, uid)
    if (carried) carriers.put(carried)
    return carried
  }

  /** The user's pod with the last status that the data plane gave, as far as this process saw it. */
  function withLastWord(user: V1Pod): V1Pod {
    const last = carriers.tombstone(user.metadata?.uid ?? '')
    const status = last && toUserStatus(user, last, statusFacts(user))
    return status ? { ...user, status: { ...user.status, ...status } } : user
  }

  async function end(user: V1Pod, why: Refusal | undefined, disrupted: boolean): Promise<V1Pod | undefined> {
    if (isTerminal(user)) return user
    const last = withLastWord(user)
    const status = isTerminal(last)
      ? (last.status ?? {})
      : finalStatus(last, { why, now: timestamp(clock), disrupted })
    return write(user, status)
  }

  async function finish(user: V1Pod): Promise<number | undefined> {
    const uid = user.metadata?.uid ?? ''
    if (await carrierNow(user)) return 0
    // Failed before it goes, or Jobs that count failures never let it go (rule 36).
    const why = wasCarried(user)
      ? undefined
      : { reason: 'NeverCarried', message: 'deleted before it was carried' }
    const ended = await end(user, why, false)
    dependencies.release(uid)
    waitingRoom.leave(uid)
    if (!ended || removed.has(uid)) return undefined
    await userApi.remove(ended)
    removed.add(uid)
    return undefined
  }

  async function lose(user: V1Pod): Promise<number | undefined> {
    if (await carrierNow(user)) return 0
    const ended = await end(user, whyLost(withLastWord(user)), true)
    if (ended && !isTerminal(withLastWord(user))) tell(user, whyLost(withLastWord(user)))
    return undefined
  }

  async function removeCarried(uid: string, user: V1Pod | undefined, carried: V1Pod, graceSeconds: number) {
    if (!user) {
      const { namespace = '', name = '' } = carried.metadata ?? {}
      // A watch that was cut may have missed that it is still there (virtual-kubelet.md §2.6).
      if (await userApi.exists(namespace, name, uid)) return 5_000
    }
    await carrierApi.remove(carried, graceSeconds)
    return user ? level(user, carried) : undefined
  }

  /** Nothing is left on either side. */
  function forget(uid: string): void {
    dependencies.release(uid)
    waitingRoom.leave(uid)
    removed.delete(uid)
    idle.delete(uid)
    updates.forget(uid)
    if (gone.delete(uid)) options.onStanding()
    users.bury(uid)
    carriers.bury(uid)
    delays.passed(uid)
  }

  async function act(step: Step, uid: string, user: V1Pod | undefined, carried: V1Pod | undefined) {
    if (step.do === 'delete-carried' && carried) return removeCarried(uid, user, carried, step.graceSeconds)
    if (!user) return undefined
    if (step.do === 'create') return create(user)
    if (step.do === 'level' && carried) return level(user, carried)
    if (step.do === 'finish') return finish(user)
    if (step.do === 'lost') return lose(user)
    if (step.do === 'refuse')
      return waitingRoom.isDue(user) ? wait(user, { ...step.why, until: 'changed' }) : undefined
    return undefined
  }

  return async (uid) => {
    if (!context.isWriter() || !users.isSynced() || !carriers.isSynced()) return 1_000
    const user = users.get(uid)
    const carried = carriers.get(uid)
    if (!user && !carried) {
      forget(uid)
      return undefined
    }
    const step = decide({
      user,
      carried,
      lastUser: users.tombstone(uid),
      userGone: gone.has(uid),
      carriedSeen: carriers.tombstone(uid) !== undefined,
    })
    try {
      const again = await act(step, uid, user, carried)
      delays.passed(uid)
      return again
    } catch (error) {
      const why = user && delays.failed(uid, step.do, error)
      if (why && step.do === 'create') await wait(user, why)
      else if (why) tell(user, why)
      throw error
    }
  }
}
