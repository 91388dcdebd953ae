import { IsthmusError } from '../../../protocol/errors/index.ts'
import type { KubeObject, ResourceStore } from '../../store/types.ts'
import { refusal } from '../errors.ts'
import type { AdmissionPlugin } from './index.ts'

const IMMORTAL = new Set(['default', 'kube-system', 'kube-public'])

/** NamespaceLifecycle: nothing new in a namespace that is missing or going, and some may not go. */
export function createNamespaceLifecycle(store: ResourceStore): AdmissionPlugin {
  return ({ phase, operation, resource, group, namespace, name, subresource }) => {
    if (operation === 'DELETE' && resource === 'namespaces' && group === '' && IMMORTAL.has(name)) {
      throw refusal('namespaces', '', name, 'this namespace may not be deleted')
    }
    if (
      phase !== 'mutate' ||
      operation !== 'CREATE' ||
      !namespace ||
      resource === 'namespaces' ||
      subresource
    )
      return
    const found = store.get<KubeObject>('namespaces', { name: namespace })
    if (!found) {
      throw new IsthmusError('not_found', `namespaces "${namespace}" not found`, {
        kind: 'namespaces',
        name: namespace,
      })
    }
    if (!found.metadata.deletionTimestamp) return
    const text = `unable to create new content in namespace ${namespace} because it is being terminated`
    const refused = refusal(resource, group, name, text)
    const message = `namespace ${namespace} is being terminated`
    throw new IsthmusError('forbidden', refused.message, {
      ...refused.details,
      causes: [{ field: 'metadata.namespace', reason: 'NamespaceTerminating', message }],
    })
  }
}
