import type { V1ConfigMap, V1Pod, V1Secret } from '@kubernetes/client-node'
import { podReferences, type Reference } from '../../kube/forge/references.ts'
import type { KubeClient } from '../../kube/index.ts'
import type { AgentContext } from '../context.ts'
import { createMirror, type Mirror } from '../mirror.ts'
import type { CarriedObjects, ObjectKey } from './carried-objects.ts'
import { carriedKey, copyOf } from './copy.ts'

type UserObject = V1ConfigMap | V1Secret

/** The Secrets and ConfigMaps that pods refer to, followed live for as long as a pod does. */
export interface References {
  /** The pod uses these from now on; what it no longer refers to is let go. */
  hold(pod: V1Pod): void
  /** The pod is gone. */
  release(podUid: string): void
  /** What is in the way: not read yet (`onChange` tells when), or mandatory and missing. Holds it all. */
  lacking(pod: V1Pod): { unread: Reference[]; missing: Reference[] }
  /** Resolves when each that exists is behind the gateway. @throws when one could not be written */
  settled(pod: V1Pod): Promise<void>
  /** Whether anything of this namespace is followed. */
  uses(namespace: string): boolean
}

interface Entry {
  key: ObjectKey
  namespace: string
  reference: Reference
  users: Set<string>
  /** Undefined: not known yet; null: missing. */
  object: UserObject | null | undefined
  /** Nobody uses it any more. */
  stop: AbortController
  watched: boolean
  /** What is known of it may be old: it is immutable, and may have been made anew since it was read. */
  doubtful: boolean
}

/**
 * An immutable object does not change, but it can be deleted and made anew. A pod that comes to use it has it read
 * again first; for those that use it already it is read so often, which is 3 requests a second for 1,000 of them.
 */
const AGAIN_MS = 5 * 60_000

const resourceOf = { Secret: 'secrets', ConfigMap: 'configmaps' } as const

export interface ReferencesOptions {
  objects: CarriedObjects
  /** A pod that may be waiting for this object should look again. */
  onChange(podUid: string): void
}

/**
 * Follows each object by a watch of its own (`metadata.name`), since that is all that a node may do; one watch
 * per object however many pods use it, closed when none does, none for an immutable one (rule 33).
 */
export function createReferences(
  context: Pick<AgentContext, 'clock' | 'logger' | 'random' | 'signal'> & {
    /** Carries a watch for each object; see `createHttp2Pool`. */
    user: Pick<KubeClient, 'send' | 'json'>
  },
  { objects, onChange }: ReferencesOptions,
): References {
  const entries = new Map<string, Entry>()
  const heldBy = new Map<string, Set<string>>()
  const idOf = (namespace: string, { kind, name }: Reference) => `${kind}/${namespace}/${name}`

  function open(id: string, namespace: string, reference: Reference): Entry {
    const entry: Entry = {
      key: carriedKey(reference.kind, namespace, reference.name),
      namespace,
      reference,
      users: new Set(),
      object: undefined,
      stop: new AbortController(),
      watched: false,
      doubtful: false,
    }
    entries.set(id, entry)
    follow(id, entry)
    return entry
  }

  /** Reads it, and watches it unless it is immutable. */
  function follow(id: string, entry: Entry): void {
    const { namespace, reference } = entry
    const enough = new AbortController()
    entry.watched = true
    const settle = (object: UserObject | null) => {
      if (entry.stop.signal.aborted || enough.signal.aborted) return
      const before = entry.object
      const news = entry.doubtful || before === undefined || (before === null) !== (object === null)
      entry.object = object
      entry.doubtful = false
      objects.set(entry.key, object ? copyOf(reference.kind, object) : null)
      // Who is carried already need not look: its volumes follow by themselves.
      if (news) for (const uid of entry.users) onChange(uid)
      if (!object?.immutable) return
      enough.abort(new Error('an immutable object does not change'))
      entry.watched = false
      readAgainLater(id, entry)
    }
    const mirror: Mirror<UserObject> = createMirror<UserObject>({
      client: context.user,
      path: ['api', 'v1', 'namespaces', namespace, resourceOf[reference.kind]],
      query: { fieldSelector: `metadata.name=${reference.name}` },
      keyOf: (object) => object.metadata?.name,
      onChange: (name) => settle(mirror.get(name) ?? null),
      onSynced: () => mirror.size === 0 && settle(null),
      clock: context.clock,
      logger: context.logger.child({ object: id }),
      random: context.random,
      signal: AbortSignal.any([context.signal, entry.stop.signal, enough.signal]),
    })
    mirror.run().catch((error) => context.logger.error({ err: error, object: id }, 'a watch ended'))
  }

  function readAgainLater(id: string, entry: Entry): void {
    const signal = AbortSignal.any([context.signal, entry.stop.signal])
    const ms = AGAIN_MS * (0.8 + 0.4 * context.random())
    context.clock.sleep(ms, signal, { ref: false }).then(
      () => {
        if (!entry.watched) follow(id, entry)
      },
      () => {}, // nobody uses it any more
    )
  }

  /** A pod comes to use these: what was read once is read again before it starts. */
  function doubt(pod: V1Pod): void {
    const held = heldBy.get(pod.metadata?.uid ?? '')
    for (const reference of podReferences(pod)) {
      const id = idOf(pod.metadata?.namespace ?? '', reference)
      const entry = entries.get(id)
      if (!entry || entry.watched || held?.has(id)) continue
      entry.doubtful = true
      follow(id, entry)
    }
  }

  function letGo(id: string, uid: string): void {
    const entry = entries.get(id)
    if (!entry) return
    entry.users.delete(uid)
    if (entry.users.size > 0) return
    entry.stop.abort(new Error('no pod uses the object any more'))
    entries.delete(id)
    objects.drop(entry.key)
  }

  function hold(pod: V1Pod): void {
    const uid = pod.metadata?.uid ?? ''
    const namespace = pod.metadata?.namespace ?? ''
    const before = heldBy.get(uid) ?? new Set<string>()
    const now = new Set<string>()
    for (const reference of podReferences(pod)) {
      const id = idOf(namespace, reference)
      now.add(id)
      const entry = entries.get(id) ?? open(id, namespace, reference)
      entry.users.add(uid)
    }
    heldBy.set(uid, now)
    for (const id of before) if (!now.has(id)) letGo(id, uid)
  }

  return {
    hold,
    release(uid) {
      for (const id of heldBy.get(uid) ?? []) letGo(id, uid)
      heldBy.delete(uid)
    },
    lacking(pod) {
      doubt(pod)
      hold(pod)
      const namespace = pod.metadata?.namespace ?? ''
      const all = podReferences(pod).map((reference) => ({
        reference,
        object: entries.get(idOf(namespace, reference))?.object,
        doubtful: entries.get(idOf(namespace, reference))?.doubtful,
      }))
      return {
        unread: all
          .filter(({ object, doubtful }) => object === undefined || doubtful)
          .map(({ reference }) => reference),
        missing: all
          .filter(({ object, reference }) => object === null && !reference.optional)
          .map(({ reference }) => reference),
      }
    },
    async settled(pod) {
      const namespace = pod.metadata?.namespace ?? ''
      const present = podReferences(pod).flatMap((reference) => {
        const entry = entries.get(idOf(namespace, reference))
        return entry?.object ? [entry.key] : []
      })
      await Promise.all(present.map((key) => objects.settled(key)))
    },
    uses: (namespace) => [...entries.values()].some(({ key }) => key.namespace === namespace),
  }
}
