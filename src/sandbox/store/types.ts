/**
 * What the sandbox's parts share: the API server (`api/`) puts HTTP in front of a ResourceStore; the scheduler, the
 * runtime and the small controllers use it in process, without HTTP, admission or authorization.
 */

/** A JSON value. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

/** metav1.ObjectMeta as far as the sandbox reads it. Times are RFC 3339 with seconds, UTC. */
export interface ObjectMeta {
  name: string
  /** Absent for cluster-scoped objects. */
  namespace?: string
  generateName?: string
  uid: string
  resourceVersion: string
  /** Rises with every change of `spec`, for resources that have a status. */
  generation?: number
  creationTimestamp: string
  deletionTimestamp?: string
  deletionGracePeriodSeconds?: number
  labels?: Record<string, string>
  annotations?: Record<string, string>
  finalizers?: string[]
  ownerReferences?: OwnerReference[]
  managedFields?: unknown[]
}

export interface OwnerReference {
  apiVersion: string
  kind: string
  name: string
  uid: string
  controller?: boolean
  blockOwnerDeletion?: boolean
}

/**
 * An object as it is stored. Client-node's types (`V1Pod`…) may be given as type argument to the store's functions.
 * **Stored objects are deeply frozen**: clone (`structuredClone`) before changing, or use `mutate`.
 */
export interface KubeObject {
  apiVersion: string
  kind: string
  metadata: ObjectMeta
  [field: string]: unknown
}

/** An object on its way in: the server fills the rest of the metadata. */
export interface NewKubeObject {
  apiVersion: string
  kind: string
  metadata: Partial<ObjectMeta>
  [field: string]: unknown
}

/**
 * A resource by its plural, with its group after a dot unless it is the core group: `pods`, `events`,
 * `leases.coordination.k8s.io`, `deployments.apps`.
 */
export type ResourceName = string

/** Which object. `namespace` is left out (or `''`) for cluster-scoped ones. */
export interface ObjectKey {
  namespace?: string
  name: string
}

/** What a list or watch is narrowed to. */
export interface Selection {
  /** All namespaces when absent or empty. */
  namespace?: string
  /** Kubernetes' syntax, such as `app=web,tier in (a,b),!old`. @throws bad_request when it can not be parsed. */
  labelSelector?: string
  /** Such as `spec.nodeName=node-1,status.phase!=Failed`. @throws bad_request for a field the resource can not be selected by. */
  fieldSelector?: string
}

export interface ListResult<T> {
  items: readonly T[]
  /** Of the whole store at the moment of the list: a watch from here misses nothing and repeats nothing. */
  resourceVersion: string
}

/**
 * One change. `object` is the state after it; of a DELETED one the last state, with the resourceVersion of the
 * deletion. `previous` is the state before (absent for ADDED).
 */
export interface StoreEvent<T> {
  type: 'ADDED' | 'MODIFIED' | 'DELETED'
  object: T
  previous?: T
}

export interface WatchOptions<T> extends Selection {
  /**
   * Start after this version (of a list); 410 `gone` is thrown when it is older than the history.
   * When absent: first an ADDED for every object there is, then the changes.
   */
  resourceVersion?: string
  /**
   * Called in order, in its own microtask after the change (never from inside a store call). An object that starts
   * or stops to match the selection arrives as ADDED or DELETED. What it throws is logged and ends nothing.
   */
  onEvent(event: StoreEvent<T>): void
}

export interface DeleteOptions {
  /** Only when the object still has this uid; 409 `conflict` otherwise. */
  uid?: string
  /** Only when the object still has this version; 409 `conflict` otherwise. */
  resourceVersion?: string
  /**
   * Pods only. Absent: the pod's `terminationGracePeriodSeconds`. A bound, running pod with a grace above 0 only gets
   * its `deletionTimestamp` (and whoever runs it deletes it with 0 when its containers have ended); everything else
   * goes at once. A second DELETE may only shorten the grace.
   */
  gracePeriodSeconds?: number
}

/** The result of a delete: `gone`, or what is left of it while finalizers or a grace period hold it. */
export type DeleteResult<T> = { gone: true; object: T } | { gone: false; object: T }

/**
 * All objects of one sandbox. Every call is synchronous: between two calls without an `await` nothing changes.
 * Errors are IsthmusErrors: `not_found`, `already_exists`, `conflict`, `gone`, `bad_request`, `invalid`.
 */
export interface ResourceStore {
  /** The version of the last change of anything. */
  readonly resourceVersion: string

  get<T = KubeObject>(resource: ResourceName, key: ObjectKey): T | undefined

  /** Sorted by namespace and name. */
  list<T = KubeObject>(resource: ResourceName, selection?: Selection): ListResult<T>

  /**
   * Stores a new object: name from generateName, uid, creationTimestamp, generation and resourceVersion are made here.
   * No admission and no validation: those are the API's (`api/`).
   */
  create<T = KubeObject>(resource: ResourceName, object: NewKubeObject | T): T

  /**
   * Replaces an object. With a `metadata.resourceVersion` it must be the stored one (`conflict`); an update that changes
   * nothing makes no event. An object that is being deleted and loses its last finalizer goes.
   */
  update<T = KubeObject>(resource: ResourceName, object: T): T

  /** Read, change (the callback changes the clone that it gets), write: can not conflict. @throws not_found. */
  mutate<T = KubeObject>(resource: ResourceName, key: ObjectKey, change: (object: T) => void): T

  /**
   * Merges into `status` (JSON merge patch: null removes, lists are replaced). With `uid`, only when the object still
   * has it (`conflict`). @throws not_found.
   */
  patchStatus<T = KubeObject>(
    resource: ResourceName,
    key: ObjectKey & { uid?: string },
    status: Record<string, unknown>,
  ): T

  /** @throws not_found, conflict. */
  delete<T = KubeObject>(resource: ResourceName, key: ObjectKey, options?: DeleteOptions): DeleteResult<T>

  /** Begins a watch; the function returned ends it (idempotent). */
  watch<T = KubeObject>(resource: ResourceName, options: WatchOptions<T>): () => void
}
