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
  users: Set<string>
  /** Undefined: not known yet; null: missing. */
  object: UserObject | null | undefined
  stop: AbortController
}

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
    const stop = new AbortController()
    const entry: Entry = {
      key: carriedKey(reference.kind, namespace, reference.name),
      users: new Set(),
      object: undefined,
      stop,
    }
    const settle = (object: UserObject | null) => {
      if (stop.signal.aborted) return
      entry.object = object
      objects.set(entry.key, object ? copyOf(reference.kind, object) : null)
      for (const uid of entry.users) onChange(uid)
      if (object?.immutable) stop.abort(new Error('an immutable object does not change'))
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
      signal: AbortSignal.any([context.signal, stop.signal]),
    })
    mirror.run().catch((error) => context.logger.error({ err: error, object: id }, 'a watch ended'))
    entries.set(id, entry)
    return entry
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
      hold(pod)
      const namespace = pod.metadata?.namespace ?? ''
      const all = podReferences(pod).map((reference) => ({
        reference,
        object: entries.get(idOf(namespace, reference))?.object,
      }))
      return {
        unread: all.filter(({ object }) => object === undefined).map(({ reference }) => reference),
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
