import type { V1Pod } from '@kubernetes/client-node'
import { refusalOf } from '../../kube/forge/unsupported.ts'
import { createWorkQueue } from '../../lib/work-queue.ts'
import type { AgentContext } from '../context.ts'
import { retryDelay } from '../errors.ts'
import { createMirror, type Mirror } from '../mirror.ts'
import type { PodStanding } from '../node/allocatable.ts'
import { canEverFit, mayFit } from '../self/room.ts'
import type { CarriedObjects } from '../sync/carried-objects.ts'
import { createObjectCollector } from '../sync/collect-objects.ts'
import { createCarrierApi } from './carrier-api.ts'
import { createGarbageCollector } from './collect-garbage.ts'
import { carriedUid } from './decide.ts'
import type { Dependencies } from './dependencies.ts'
import type { Namespaces } from './namespaces.ts'
import { createReconcile } from './reconcile.ts'
import { createUserPodApi } from './user-api.ts'
import { createWaitingRoom } from './waiting-room.ts'

export interface PodsModuleOptions {
  context: AgentContext
  namespaces: Namespaces
  /** Made by the caller, since references announce their changes here. */
  dependencies: Dependencies
  /** Something that bears on the Node's allocatable has changed. */
  onStanding(): void
  /** Whether anything but pods uses this virtual namespace. */
  usesNamespace(namespace: string): boolean
  objects: CarriedObjects
}

/** The pods bound to the node, and the pods that carry them. */
export interface PodsModule {
  /** By UID of the user's pod. */
  users: Mirror<V1Pod>
  /** By UID of the user's pod too. */
  carriers: Mirror<V1Pod>
  /** Looks at this pod again. */
  enqueue(uid: string): void
  /** Quota may have been freed: those that wait are tried, in order, one after the other. */
  quotaFreed(): void
  /** This process became the writer: everything is looked at. */
  lookAtAll(): void
  standingOf(pod: V1Pod): PodStanding
  run(): Promise<void>
}

const HOUSEKEEPING_MS = 60_000
/** Freed quota is given out so often at most: the ledger changes with every pod. */
const GIVE_EVERY_MS = 500
/** The last word of this many pods that vanished, on either side, is remembered. */
const TOMBSTONES = 2_000

/** Makes the pod controller. */
export function createPodsModule(options: PodsModuleOptions): PodsModule {
  const { context, namespaces, dependencies } = options
  const { clock, logger, signal } = context
  const waitingRoom = createWaitingRoom()
  const gone = new Set<string>()
  const userApi = createUserPodApi(context)
  const carrierApi = createCarrierApi(context, namespaces)
  const common = { clock, logger, random: () => context.random(), signal }

  const lookAtAll = () => {
    for (const uid of [...users.keys(), ...carriers.keys()]) queue.add(uid)
  }

  /** Whoever waits for the name of a pod that has gone need not wait out its back-off. */
  function nameIsFree(gone: V1Pod | undefined): void {
    for (const [uid, user] of users.entries()) {
      if (user.metadata?.name !== gone?.metadata?.name) continue
      if (user.metadata?.namespace === gone?.metadata?.namespace) queue.add(uid)
    }
  }

  const users: Mirror<V1Pod> = createMirror<V1Pod>({
    ...common,
    client: context.user,
    path: ['api', 'v1', 'pods'],
    query: { fieldSelector: `spec.nodeName=${context.nodeName}` },
    keyOf: (pod) => pod.metadata?.uid,
    onChange(uid) {
      if (users.get(uid)) gone.delete(uid)
      else gone.add(uid)
      options.onStanding()
      queue.add(uid)
    },
    onSynced: lookAtAll,
    tombstones: TOMBSTONES,
  })
  const carriers: Mirror<V1Pod> = createMirror<V1Pod>({
    ...common,
    client: context.gateway,
    path: ['api', 'v1', 'pods'],
    keyOf: carriedUid,
    onChange(uid) {
      // Before its own turn, in which the last word of a pod that is gone on both sides is forgotten.
      if (!carriers.get(uid)) nameIsFree(carriers.tombstone(uid))
      queue.add(uid)
    },
    onSynced: lookAtAll,
    tombstones: TOMBSTONES,
  })
  const queue = createWorkQueue<string>({
    ...common,
    name: 'pods',
    delayOf: retryDelay,
    maxDelayMs: 30_000,
    handle: createReconcile({
      context,
      users,
      carriers,
      userApi,
      carrierApi,
      dependencies,
      waitingRoom,
      gone,
      onStanding: options.onStanding,
    }),
  })
  const collectObjects = createObjectCollector(context, { objects: options.objects, users, carriers })
  const collectGarbage = createGarbageCollector({ context, users, carriers, userApi, carrierApi })

  /** Set while freed quota is being given out; a change meanwhile means another round. */
  let giving = false
  let again = false

  async function give(): Promise<void> {
    giving = true
    do {
      again = false
      for (const uid of waitingRoom.dueForQuota((key) => users.get(key), fits)) {
        queue.add(uid)
        await queue.settled(uid)
      }
      await clock.sleep(GIVE_EVERY_MS, signal).catch(() => {})
    } while (again && !signal.aborted)
    giving = false
  }

  function fits(pod: V1Pod): boolean {
    const self = context.self()
    return self === undefined || mayFit(self, pod)
  }

  function quotaFreed(): void {
    again = true
    if (!giving) void give()
  }

  function isUsed(namespace: string): boolean {
    const inside = (pod: V1Pod) => pod.metadata?.namespace === namespace
    return [...users.values(), ...carriers.values()].some(inside) || options.usesNamespace(namespace)
  }

  async function housekeeping(): Promise<void> {
    while (!signal.aborted) {
      await clock.sleep(HOUSEKEEPING_MS, signal).catch(() => {})
      if (signal.aborted || !context.isWriter() || !context.isConnected()) continue
      try {
        quotaFreed()
        await collectGarbage()
        if (!users.isSynced() || !carriers.isSynced()) continue
        await collectObjects()
        await namespaces.removeIdle(isUsed)
      } catch (error) {
        logger.warn({ err: error }, 'housekeeping failed and is tried again')
      }
    }
  }

  return {
    users,
    carriers,
    enqueue: (uid) => queue.add(uid),
    quotaFreed,
    lookAtAll() {
      waitingRoom.reopen()
      lookAtAll()
    },
    standingOf(pod) {
      const uid = pod.metadata?.uid ?? ''
      if (carriers.get(uid)) return 'held'
      const why = waitingRoom.get(uid)
      // What is refused will never be carried: its place is given back, or it would block everyone (rule 24).
      if (why?.until === 'changed' || refusalOf(pod)) return 'held'
      const self = context.self()
      return self && !canEverFit(self, pod) ? 'held' : 'waiting'
    },
    async run() {
      await Promise.all([users.run(), carriers.run(), housekeeping()])
      await queue.close()
    },
  }
}
