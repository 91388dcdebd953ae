import type { Logger } from '../../lib/logger.ts'
import { resources } from '../api/resources/catalog.ts'
import type { KubeObject, ResourceStore } from '../store/types.ts'

const contents = resources.filter(({ namespaced, storage, plural, group }) => {
  return namespaced && storage === (group ? `${plural}.${group}` : plural)
})

/** How often a namespace that is going is looked at again while something in it has not gone yet. */
const RETRY_MS = 200

/**
 * The namespace controller: each namespace gets its `default` ServiceAccount and `kube-root-ca.crt`; one that is
 * deleted is emptied, pods by grace, and then let go. Gives the function that ends it.
 */
export function startNamespaceController(options: {
  store: ResourceStore
  /** PEM, for kube-root-ca.crt. */
  ca: string
  logger: Logger
}): () => void {
  const { store, ca, logger } = options
  const retries = new Map<string, NodeJS.Timeout>()

  const furnish = (namespace: string) => {
    if (!store.get('serviceaccounts', { namespace, name: 'default' })) {
      const metadata = { name: 'default', namespace }
      store.create('serviceaccounts', { apiVersion: 'v1', kind: 'ServiceAccount', metadata })
    }
    const name = 'kube-root-ca.crt'
    if (!store.get('configmaps', { namespace, name })) {
      store.create('configmaps', {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: {
          name,
          namespace,
          annotations: {
            'kubernetes.io/description': 'Contains a CA bundle that can be used to verify the API server.',
          },
        },
        data: { 'ca.crt': ca },
      })
    }
  }

  const empty = (name: string) => {
    retries.delete(name)
    const namespace = store.get<KubeObject>('namespaces', { name })
    if (!namespace?.metadata.deletionTimestamp) return
    let left = 0
    for (const { storage } of contents) {
      for (const object of store.list<KubeObject>(storage, { namespace: name }).items) {
        const result = store.delete(storage, { namespace: name, name: object.metadata.name })
        if (!result.gone) left++
      }
    }
    if (left > 0) {
      retries.set(
        name,
        setTimeout(() => empty(name), RETRY_MS),
      )
      return
    }
    store.mutate<KubeObject>('namespaces', { name }, (object) => {
      object['spec'] = { ...(object['spec'] as object), finalizers: [] }
    })
    logger.debug({ namespace: name }, 'namespace emptied and let go')
  }

  const end = store.watch<KubeObject>('namespaces', {
    onEvent({ type, object }) {
      const { name, deletionTimestamp } = object.metadata
      if (type === 'DELETED') return
      if (deletionTimestamp) {
        if (!retries.has(name)) empty(name)
      } else if (store.get('namespaces', { name })) furnish(name)
    },
  })
  // What a namespace needs comes back when it is deleted.
  const again = ['configmaps', 'serviceaccounts'].map((resource) =>
    store.watch<KubeObject>(resource, {
      resourceVersion: store.resourceVersion,
      onEvent({ type, object }) {
        const { namespace = '', name } = object.metadata
        if (type !== 'DELETED' || !['default', 'kube-root-ca.crt'].includes(name)) return
        const home = store.get<KubeObject>('namespaces', { name: namespace })
        if (home && !home.metadata.deletionTimestamp) furnish(namespace)
      },
    }),
  )
  return () => {
    end()
    for (const stop of again) stop()
    for (const timer of retries.values()) clearTimeout(timer)
  }
}
