import { resources } from '../api/resources/catalog.ts'
import type { KubeObject, ResourceStore } from '../store/types.ts'

const stored = resources.filter(
  ({ storage, plural, group }) => storage === (group ? `${plural}.${group}` : plural),
)

/**
 * The garbage collector: what names a deleted object as its owner goes with it (background), before it (the finalizer
 * `foregroundDeletion`) or is let go of (`orphan`). References are looked up by scanning: a sandbox is small.
 */
export function startGarbageCollector(store: ResourceStore): () => void {
  const dependents = (uid: string) =>
    stored.flatMap(({ storage }) =>
      store
        .list<KubeObject>(storage)
        .items.filter(({ metadata }) => metadata.ownerReferences?.some((reference) => reference.uid === uid))
        .map((object) => ({ storage, object })),
    )
  const keyOf = ({ namespace, name }: KubeObject['metadata']) => ({
    ...(namespace ? { namespace } : {}),
    name,
  })

  const remove = (uid: string) => {
    for (const { storage, object } of dependents(uid)) {
      const others = object.metadata.ownerReferences?.filter((reference) => reference.uid !== uid) ?? []
      if (others.length === 0) store.delete(storage, keyOf(object.metadata), { uid: object.metadata.uid })
      else {
        store.mutate<KubeObject>(storage, keyOf(object.metadata), (next) => {
          next.metadata.ownerReferences = others
        })
      }
    }
  }

  const release = (storage: string, owner: KubeObject, finalizer: string) => {
    store.mutate<KubeObject>(storage, keyOf(owner.metadata), (next) => {
      next.metadata.finalizers = next.metadata.finalizers?.filter((each) => each !== finalizer)
    })
  }

  const orphan = (uid: string) => {
    for (const { storage, object } of dependents(uid)) {
      store.mutate<KubeObject>(storage, keyOf(object.metadata), (next) => {
        next.metadata.ownerReferences = next.metadata.ownerReferences?.filter(
          (reference) => reference.uid !== uid,
        )
      })
    }
  }

  const onOwner = (storage: string, owner: KubeObject) => {
    const current = store.get<KubeObject>(storage, keyOf(owner.metadata))
    if (!current?.metadata.deletionTimestamp || current.metadata.uid !== owner.metadata.uid) return
    const { finalizers = [], uid } = current.metadata
    if (finalizers.includes('orphan')) {
      orphan(uid)
      release(storage, current, 'orphan')
    } else if (finalizers.includes('foregroundDeletion')) {
      remove(uid)
      if (dependents(uid).length === 0) release(storage, current, 'foregroundDeletion')
    }
  }

  const onDeleted = (object: KubeObject) => {
    remove(object.metadata.uid)
    // The last dependent of an owner that waits for it.
    for (const { kind, name } of object.metadata.ownerReferences ?? []) {
      const definition = stored.find((each) => each.kind === kind)
      if (!definition) continue
      const key = { ...(definition.namespaced ? { namespace: object.metadata.namespace } : {}), name }
      const owner = store.get<KubeObject>(definition.storage, key)
      if (owner) onOwner(definition.storage, owner)
    }
  }

  const ends = stored.map(({ storage }) =>
    store.watch<KubeObject>(storage, {
      resourceVersion: store.resourceVersion,
      onEvent({ type, object }) {
        if (type === 'DELETED') onDeleted(object)
        else if (object.metadata.deletionTimestamp && object.metadata.finalizers?.length)
          onOwner(storage, object)
      },
    }),
  )
  return () => {
    for (const end of ends) end()
  }
}
