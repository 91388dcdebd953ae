import type { KubeClient } from '../../kube/client/types.ts'
import { isKubeApiError } from '../../kube/client/types.ts'

/** The ClusterRole of deploy/data-plane.yaml that is bound in each tenant's namespace, and nowhere else. */
const ROLE = 'isthmus-tenant-namespace'

/** The names by which a data plane may know the gateway (deploy/data-plane.yaml). */
const subjects = [
  { kind: 'ServiceAccount', name: 'isthmus-gateway', namespace: 'isthmus-system' },
  { kind: 'User', name: 'isthmus-gateway', apiGroup: 'rbac.authorization.k8s.io' },
]

const collection = (physicalName: string) => [
  'apis',
  'rbac.authorization.k8s.io',
  'v1',
  'namespaces',
  physicalName,
  'rolebindings',
]

/** Binds the gateway's role in a namespace. Idempotent. @throws KubeApiError, KubeUnreachableError */
export async function bindGatewayRole(client: KubeClient, physicalName: string): Promise<void> {
  try {
    await client.json({
      method: 'POST',
      path: collection(physicalName),
      body: {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'RoleBinding',
        metadata: { name: ROLE, namespace: physicalName },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: ROLE },
        subjects,
      },
    })
  } catch (error) {
    if (!isKubeApiError(error, 409, 'AlreadyExists')) throw error
  }
}

/** Whether the gateway's role is bound in a namespace. @throws KubeApiError, KubeUnreachableError */
export async function isGatewayRoleBound(
  client: KubeClient,
  physicalName: string,
  signal?: AbortSignal,
): Promise<boolean> {
  try {
    await client.json({ method: 'GET', path: [...collection(physicalName), ROLE], signal })
    return true
  } catch (error) {
    if (isKubeApiError(error, 404)) return false
    throw error
  }
}
