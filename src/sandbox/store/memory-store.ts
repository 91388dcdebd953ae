import { randomInt, randomUUID } from 'node:crypto'
import type { Clock } from '../../lib/clock.ts'
import type { Logger } from '../../lib/logger.ts'
import { IsthmusError } from '../../protocol/errors/index.ts'
import { decideDeletion, mayGo } from './deletion.ts'
import { fieldMatcher, parseFieldTerms } from './field-selector.ts'
import { createHistory, type History } from './history.ts'
import { parseLabelSelector } from './label-selector.ts'
import { deepEqual, deepFreeze, mergePatch, toTime } from './objects.ts'
import { type StoreTraits, selectableFields } from './traits.ts'
import type {
  KubeObject,
  ListResult,
  NewKubeObject,
  ObjectKey,
  ObjectMeta,
  ResourceStore,
  Selection,
  StoreEvent,
} from './types.ts'
import { createWatchers, type Watchers } from './watchers.ts'

/** What the API server needs beside the ResourceStore. */
export interface MemoryStore extends ResourceStore {
  /** The list as it was at an older version. @throws gone when the history does not reach back. */
  listAt(resource: string, selection: Selection, version: number): ListResult<KubeObject>
  /** Forgets the history: watches and continued lists from before are answered 410. */
  compact(): void
  /** What the writes inside (synchronous) would give; nothing is stored and nobody is told. */
  dryRun<T>(writes: () => T): T
}

export interface MemoryStoreOptions {
  clock: Clock
  logger: Logger
  /** What is to be known of a resource. @throws not_found for one that is not served. */
  traits(resource: string): StoreTraits
  /** Changes kept per resource for watches to resume from; 5,000 by default. */
  historySize?: number
}

/** A version to begin with, so that low numbers (`resourceVersion=1`) are of the past, as in a cluster with a history. */
const FIRST_VERSION = 1000
const SUFFIX = 'bcdfghjklmnpqrstvwxz2456789'

interface Bucket {
  resource: string
  traits: StoreTraits
  objects: Map<string, KubeObject>
  /** In order of namespace and name; made anew after an insertion or removal. */
  sorted: KubeObject[] | undefined
  history: History
  watchers: Watchers
}

const keyOf = (key: { namespace?: string; name?: string }) => `${key.namespace ?? ''}/${key.name ?? ''}`

/** A ResourceStore in memory. */
export function createMemoryStore(options: MemoryStoreOptions): MemoryStore {
  const { clock, logger } = options
  const buckets = new Map<string, Bucket>()
  let version = FIRST_VERSION
  let dry = false

  const bucketOf = (resource: string): Bucket => {
    let bucket = buckets.get(resource)
    if (!bucket) {
      const traits = options.traits(resource)
      const history = createHistory(FIRST_VERSION, options.historySize ?? 5000)
      bucket = {
        resource,
        traits,
        objects: new Map(),
        sorted: undefined,
        history,
        watchers: createWatchers(logger),
      }
      buckets.set(resource, bucket)
    }
    return bucket
  }

  const compile = (bucket: Bucket, selection: Selection): ((object: KubeObject) => boolean) => {
    const labels = parseLabelSelector(selection.labelSelector)
    const fields = fieldMatcher(parseFieldTerms(selection.fieldSelector), selectableFields(bucket.traits))
    const namespace = selection.namespace || undefined
    return (object) =>
      (namespace === undefined || object.metadata.namespace === namespace) &&
      (!labels || labels(object.metadata.labels)) &&
      (!fields || fields(object))
  }

  const sortedOf = (bucket: Bucket): KubeObject[] => {
    bucket.sorted ??= [...bucket.objects.entries()]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, value]) => value)
    return bucket.sorted
  }

  const stamp = (object: KubeObject): KubeObject => {
    if (dry) return object
    version++
    return deepFreeze({ ...object, metadata: { ...object.metadata, resourceVersion: String(version) } })
  }

  const record = (bucket: Bucket, event: StoreEvent<KubeObject>) => {
    bucket.history.add({ ...event, version })
    bucket.watchers.tell(event)
  }

  const put = (bucket: Bucket, object: KubeObject, previous: KubeObject | undefined): KubeObject => {
    const stored = stamp(object)
    if (dry) return stored
    const key = keyOf(stored.metadata)
    bucket.objects.set(key, stored)
    bucket.sorted = undefined
    record(bucket, {
      type: previous ? 'MODIFIED' : 'ADDED',
      object: stored,
      ...(previous ? { previous } : {}),
    })
    return stored
  }

  const remove = (bucket: Bucket, last: KubeObject, previous: KubeObject): KubeObject => {
    const stored = stamp(last)
    if (dry) return stored
    bucket.objects.delete(keyOf(stored.metadata))
    bucket.sorted = undefined
    record(bucket, { type: 'DELETED', object: stored, previous })
    return stored
  }

  const find = (bucket: Bucket, key: ObjectKey): KubeObject => {
    const found = bucket.objects.get(keyOf(key))
    if (!found) throw notFound(bucket.resource, key.name)
    return found
  }

  const write = (bucket: Bucket, current: KubeObject, next: KubeObject): KubeObject => {
    const { uid, creationTimestamp, deletionTimestamp, deletionGracePeriodSeconds, generateName } =
      current.metadata
    const fixed = { uid, creationTimestamp, deletionTimestamp, deletionGracePeriodSeconds, generateName }
    const metadata = tidy({
      ...next.metadata,
      ...fixed,
      resourceVersion: current.metadata.resourceVersion,
    })
    if (current.metadata.generation !== undefined) {
      const changed = bucket.traits.generation && !deepEqual(desired(current), desired(next))
      metadata.generation = current.metadata.generation + (changed ? 1 : 0)
    }
    const object = { ...next, metadata } as KubeObject
    if (deepEqual(object, current)) return current
    return mayGo(object) ? remove(bucket, object, current) : put(bucket, object, current)
  }

  const store: MemoryStore = {
    get resourceVersion() {
      return String(version)
    },
    get: <T>(resource: string, key: ObjectKey) => bucketOf(resource).objects.get(keyOf(key)) as T | undefined,

    list<T>(resource: string, selection: Selection = {}) {
      const bucket = bucketOf(resource)
      const items = sortedOf(bucket).filter(compile(bucket, selection)) as unknown as T[]
      return { items, resourceVersion: String(version) }
    },

    listAt(resource, selection, at) {
      const bucket = bucketOf(resource)
      const objects = new Map(bucket.objects)
      for (const entry of bucket.history.after(at).reverse()) {
        if (entry.previous) objects.set(keyOf(entry.object.metadata), entry.previous)
        else objects.delete(keyOf(entry.object.metadata))
      }
      const sorted = [...objects.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, value]) => value)
      return { items: sorted.filter(compile(bucket, selection)), resourceVersion: String(at) }
    },

    create<T>(resource: string, input: NewKubeObject | T) {
      const bucket = bucketOf(resource)
      const object = structuredClone(input) as NewKubeObject
      const metadata = newMetadata(object.metadata, bucket.traits, clock.now())
      if (bucket.objects.has(keyOf(metadata))) {
        throw new IsthmusError('already_exists', `${resource} "${metadata.name}" already exists`, {
          ...groupKind(resource),
          name: metadata.name,
        })
      }
      return put(bucket, { ...object, metadata }, undefined) as T
    },

    update<T>(resource: string, input: T) {
      const bucket = bucketOf(resource)
      const object = structuredClone(input) as KubeObject
      const current = find(bucket, object.metadata)
      check(resource, current, object.metadata)
      return write(bucket, current, object) as T
    },

    mutate<T>(resource: string, key: ObjectKey, change: (object: T) => void) {
      const bucket = bucketOf(resource)
      const current = find(bucket, key)
      const clone = structuredClone(current)
      change(clone as T)
      return write(bucket, current, clone) as T
    },

    patchStatus<T>(resource: string, key: ObjectKey & { uid?: string }, status: Record<string, unknown>) {
      const bucket = bucketOf(resource)
      const current = find(bucket, key)
      check(resource, current, { uid: key.uid })
      const merged = mergePatch(current['status'], structuredClone(status))
      return write(bucket, current, { ...current, status: merged }) as T
    },

    delete<T>(resource: string, key: ObjectKey, deleteOptions = {}) {
      const bucket = bucketOf(resource)
      const current = find(bucket, key)
      check(resource, current, deleteOptions)
      const decision = decideDeletion(current, deleteOptions, bucket.traits.graceful)
      if (decision.action === 'remove')
        return { gone: true as const, object: remove(bucket, current, current) as T }
      if (decision.action === 'nothing') return { gone: false as const, object: current as T }
      const grace = decision.gracePeriodSeconds ?? 0
      const metadata: ObjectMeta = {
        ...current.metadata,
        deletionTimestamp: toTime(clock.now() + grace * 1000),
        deletionGracePeriodSeconds: grace,
        ...(current.metadata.generation === undefined ? {} : { generation: current.metadata.generation + 1 }),
      }
      return { gone: false as const, object: put(bucket, { ...current, metadata }, current) as T }
    },

    watch(resource, watchOptions) {
      const bucket = bucketOf(resource)
      const matches = compile(bucket, watchOptions)
      const first: StoreEvent<KubeObject>[] =
        watchOptions.resourceVersion === undefined
          ? sortedOf(bucket).map((object) => ({ type: 'ADDED', object }))
          : bucket.history.after(Number(watchOptions.resourceVersion))
      return bucket.watchers.add(
        matches,
        watchOptions.onEvent as (event: StoreEvent<KubeObject>) => void,
        first,
      )
    },

    dryRun(writes) {
      dry = true
      try {
        return writes()
      } finally {
        dry = false
      }
    },

    compact() {
      for (const bucket of buckets.values()) bucket.history.compact(version)
    },
  }
  return store
}

/** What counts for the generation: all but metadata and status, and not that a pod was bound. */
function desired(object: KubeObject): Record<string, unknown> {
  const { metadata: _metadata, status: _status, ...rest } = object
  if (object.kind !== 'Pod') return rest
  return { ...rest, spec: { ...(rest['spec'] as object | undefined), nodeName: undefined } }
}

/** `prefix` with five random characters, at most 63 in all (apiserver names.SimpleNameGenerator). */
export function generatedName(prefix: string): string {
  const suffix = Array.from({ length: 5 }, () => SUFFIX[randomInt(SUFFIX.length)]).join('')
  return `${prefix.slice(0, 58)}${suffix}`
}

function newMetadata(given: Partial<ObjectMeta>, traits: StoreTraits, now: number): ObjectMeta {
  const name = given.name || (given.generateName ? generatedName(given.generateName) : '')
  if (!name) throw new IsthmusError('invalid', 'name or generateName is required')
  if (traits.namespaced && !given.namespace)
    throw new IsthmusError('bad_request', 'the object has no namespace')
  const { deletionTimestamp: _d, deletionGracePeriodSeconds: _g, namespace, ...rest } = given
  return tidy({
    ...rest,
    name,
    ...(traits.namespaced ? { namespace } : {}),
    uid: randomUUID(),
    resourceVersion: '',
    creationTimestamp: toTime(now),
    ...(traits.generation ? { generation: 1 } : { generation: undefined }),
  }) as ObjectMeta
}

function check(
  resource: string,
  current: KubeObject,
  wanted: { uid?: string; resourceVersion?: string; name?: string },
): void {
  const { name } = current.metadata
  const details = { ...groupKind(resource), name }
  if (wanted.uid && wanted.uid !== current.metadata.uid) {
    const text = `Precondition failed: UID in precondition: ${wanted.uid}, UID in object meta: ${current.metadata.uid}`
    throw new IsthmusError(
      'conflict',
      `Operation cannot be fulfilled on ${resource} "${name}": ${text}`,
      details,
    )
  }
  if (wanted.resourceVersion && wanted.resourceVersion !== current.metadata.resourceVersion) {
    const text = 'the object has been modified; please apply your changes to the latest version and try again'
    throw new IsthmusError(
      'conflict',
      `Operation cannot be fulfilled on ${resource} "${name}": ${text}`,
      details,
    )
  }
}

function notFound(resource: string, name: string): IsthmusError {
  return new IsthmusError('not_found', `${resource} "${name}" not found`, { ...groupKind(resource), name })
}

/** `deployments.apps` as the `kind` (a resource name, as Kubernetes fills it) and `group` of a Status' details. */
export function groupKind(resource: string): { kind: string; group?: string } {
  const dot = resource.indexOf('.')
  return dot < 0 ? { kind: resource } : { kind: resource.slice(0, dot), group: resource.slice(dot + 1) }
}

/** Metadata as Go's `omitempty` writes it: nothing that is undefined, null or an empty map or list. */
function tidy<T extends object>(metadata: T): T {
  const isEmpty = (value: unknown) =>
    value === undefined || value === null || (typeof value === 'object' && Object.keys(value).length === 0)
  return Object.fromEntries(Object.entries(metadata).filter(([, inner]) => !isEmpty(inner))) as T
}
