import { isKubeApiError } from '../../../../kube/client/types.ts'
import type { KubeObject } from '../../../kubernetes/objects.ts'
import type { KubeCall } from '../call.ts'

/**
 * Whether a refused read of Secrets or ConfigMaps is the end of their namespace: before Kubernetes 1.33 the
 * RoleBinding may go before the pods do (rule 9). Anything else that is refused stays an error: an empty answer
 * would make a client remove what it believes gone.
 */
export async function isNamespaceGoing(
  call: KubeCall,
  physicalName: string,
  error: unknown,
): Promise<boolean> {
  const { name } = call.resource
  if (!isKubeApiError(error, 403) || (name !== 'secrets' && name !== 'configmaps')) return false
  try {
    const namespace = await call.client.json<KubeObject>({
      method: 'GET',
      path: ['api', 'v1', 'namespaces', physicalName],
      signal: call.signal,
    })
    return namespace.metadata?.deletionTimestamp !== undefined
  } catch (cause) {
    return isKubeApiError(cause, 404)
  }
}
