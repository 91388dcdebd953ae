import { isDeepStrictEqual } from 'node:util'
import type { V1ConfigMap, V1Secret } from '@kubernetes/client-node'
import { annotation } from '../../kube/forge/names.ts'
import { isKubeApiError } from '../../kube/index.ts'
import { createWorkQueue } from '../../lib/work-queue.ts'
import type { AgentContext } from '../context.ts'
import { retryDelay } from '../errors.ts'
import type { Namespaces } from '../pods/namespaces.ts'

export type CarriedObject = (V1ConfigMap | V1Secret) & { metadata: { annotations: Record<string, string> } }

/** A Secret or ConfigMap behind the gateway. */
export interface ObjectKey {
  kind: 'Secret' | 'ConfigMap'
  namespace: string
  name: string
}

/** An object of the same name is there that the agent did not make. */
export class NameTakenError extends Error {
  constructor(key: ObjectKey) {
    super(`${key.kind} ${key.namespace}/${key.name} exists already and was not made by this agent`)
    this.name = 'NameTakenError'
  }
}

/** Brings Secrets and ConfigMaps behind the gateway to what they should be, and keeps trying. */
export interface CarriedObjects {
  /** What it should be; null: it should not be there. Written soon, the newest wins. */
  set(key: ObjectKey, object: CarriedObject | null): void
  /** It should not be there, and once it is not, nothing is to be remembered of it. */
  drop(key: ObjectKey): void
  /** Resolves when what was set is there. @throws the last fault when it could not be written */
  settled(key: ObjectKey): Promise<void>
  /** Whether something was set, and not dropped since. */
  has(key: ObjectKey): boolean
  close(): Promise<void>
}

interface Entry {
  key: ObjectKey
  wanted: CarriedObject | null
  dropped: boolean
  /** As the gateway answered it last. */
  present: CarriedObject | null | undefined
  fault: unknown
  /** Monotonic milliseconds before which it is not written again. */
  notBefore: number
  /** What it should be was set within that time, and is not written yet. */
  postponed: boolean
}

/** An object that changes a hundred times a second is written ten times: the newest wins, and the last arrives. */
const GAP_MS = 100

const resourceOf = { Secret: 'secrets', ConfigMap: 'configmaps' } as const
const idOf = ({ kind, namespace, name }: ObjectKey) => `${kind}/${namespace}/${name}`

/** What decides whether a write is needed: content, type and our annotations. */
function content(object: CarriedObject): unknown {
  const { data, binaryData, type, immutable, metadata } = object as V1ConfigMap & V1Secret
  const ours = Object.entries(metadata?.annotations ?? {}).filter(([key]) =>
    key.startsWith('agent.isthmus.dev/'),
  )
  const filled = (map: Record<string, string> | undefined) => ({ ...map })
  return [filled(data), filled(binaryData), type ?? '', immutable ?? false, ours.sort()]
}

/** Makes the writer of carried objects. */
export function createCarriedObjects(
  context: Pick<AgentContext, 'gateway' | 'clock' | 'logger' | 'random' | 'isWriter'>,
  namespaces: Namespaces,
): CarriedObjects {
  const { gateway } = context
  const entries = new Map<string, Entry>()
  let closed = false

  const collection = ({ kind, namespace }: ObjectKey) => [
    'api',
    'v1',
    'namespaces',
    namespace,
    resourceOf[kind],
  ]
  const path = (key: ObjectKey) => [...collection(key), key.name]

  async function read(key: ObjectKey): Promise<CarriedObject | null> {
    try {
      return await gateway.json<CarriedObject>({ method: 'GET', path: path(key) })
    } catch (error) {
      if (isKubeApiError(error, 404)) return null
      throw error
    }
  }

  async function create(entry: Entry, wanted: CarriedObject): Promise<void> {
    const { key } = entry
    try {
      entry.present = await gateway.json<CarriedObject>({
        method: 'POST',
        path: collection(key),
        body: wanted,
      })
    } catch (error) {
      if (isKubeApiError(error, 404)) namespaces.forget(key.namespace)
      if (isKubeApiError(error, 409)) entry.present = undefined // read it at the next try
      throw error
    }
  }

  async function replace(entry: Entry, wanted: CarriedObject, present: CarriedObject): Promise<void> {
    const resourceVersion = present.metadata.resourceVersion
    const body = { ...wanted, metadata: { ...wanted.metadata, resourceVersion } }
    try {
      entry.present = await gateway.json<CarriedObject>({ method: 'PUT', path: path(entry.key), body })
      entry.notBefore = context.clock.elapsed() + GAP_MS
    } catch (error) {
      entry.present = undefined
      // An immutable one can not change: it was made anew in the user's cluster, so it is made anew here.
      if (!isKubeApiError(error, 422) || !present.immutable) throw error
      await remove(entry, present)
      await create(entry, wanted)
    }
  }

  async function remove(entry: Entry, present: CarriedObject): Promise<void> {
    const preconditions = { uid: present.metadata.uid }
    try {
      await gateway.json({ method: 'DELETE', path: path(entry.key), body: { preconditions } })
    } catch (error) {
      entry.present = undefined
      if (!isKubeApiError(error, 404)) throw error
    }
    entry.present = null
  }

  async function bring(entry: Entry): Promise<void> {
    // Before the read too: while another object's create makes the namespace, its rights are not there yet.
    if (entry.wanted) await namespaces.ensure(entry.key.namespace)
    entry.present ??= entry.present === null ? null : await read(entry.key)
    const { present, wanted } = entry
    if (present && !present.metadata?.annotations?.[annotation.uid]) {
      entry.present = undefined
      if (wanted) throw new NameTakenError(entry.key)
      return
    }
    if (!wanted) {
      if (present) await remove(entry, present)
    } else if (!present) await create(entry, wanted)
    else if (!isDeepStrictEqual(content(present), content(wanted))) await replace(entry, wanted, present)
  }

  const queue = createWorkQueue<string>({
    name: 'carried-objects',
    clock: context.clock,
    logger: context.logger,
    random: () => context.random(),
    delayOf: retryDelay,
    maxDelayMs: 30_000,
    async handle(id) {
      const entry = entries.get(id)
      if (!entry) return undefined
      if (!context.isWriter()) return 2_000
      const early = entry.notBefore - context.clock.elapsed()
      entry.postponed = early > 0
      if (entry.postponed) return early
      try {
        await bring(entry)
        entry.fault = undefined
      } catch (error) {
        entry.fault = error
        throw error
      }
      if (entry.dropped) entries.delete(id)
      return undefined
    },
  })

  const newEntry = (key: ObjectKey): Entry => ({
    key,
    wanted: null,
    dropped: false,
    present: undefined,
    fault: undefined,
    notBefore: 0,
    postponed: false,
  })

  function want(key: ObjectKey, wanted: CarriedObject | null, dropped: boolean): void {
    const id = idOf(key)
    const entry = entries.get(id) ?? newEntry(key)
    entry.wanted = wanted
    entry.dropped = dropped
    entries.set(id, entry)
    queue.add(id)
  }

  return {
    set: (key, object) => want(key, object, false),
    drop: (key) => want(key, null, true),
    async settled(key) {
      const id = idOf(key)
      await queue.settled(id)
      for (let entry = entries.get(id); entry?.postponed && !closed; entry = entries.get(id)) {
        await context.clock.sleep(Math.max(1, entry.notBefore - context.clock.elapsed()))
        await queue.settled(id)
      }
      const fault = entries.get(id)?.fault
      if (fault) throw fault
    },
    has: (key) => entries.get(idOf(key))?.dropped === false,
    close() {
      closed = true
      return queue.close()
    },
  }
}
