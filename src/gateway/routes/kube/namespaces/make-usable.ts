import type { KubeClient } from '../../../../kube/client/types.ts'
import { isKubeApiError } from '../../../../kube/client/types.ts'
import { IsthmusError } from '../../../../protocol/errors/index.ts'
import type { NamespaceRecord } from '../../../directory/index.ts'
import { errorForTenant } from '../../../kubernetes/upstream-errors.ts'
import { bindGatewayRole } from '../../../upstream/index.ts'
import { type KubeCall, subjectOf } from '../call.ts'
import type { KubernetesFaceDeps } from '../deps.ts'

const STEP_MS = 50
const READY_MS = 5_000

/**
 * Returns when Secrets can be read in a new namespace and pods can be made: RBAC and the default ServiceAccount
 * arrive with a delay, and RBAC's 403 looks like the admission policy's (rule 9).
 * @throws IsthmusError unavailable after 5 s; the namespace is there then, and a retry finds it
 */
export async function makeUsable(
  call: KubeCall,
  deps: KubernetesFaceDeps,
  record: NamespaceRecord,
): Promise<void> {
  const { client } = call
  const end = deps.clock.elapsed() + (deps.namespaceReadyMs ?? READY_MS)
  try {
    await bindGatewayRole(client, record.physicalName)
    while (!(await isUsable(client, record.physicalName))) {
      if (deps.clock.elapsed() > end) {
        throw new IsthmusError('unavailable', `namespace "${record.name}" is not ready yet`, {
          retryAfterSeconds: 1,
        })
      }
      await deps.clock.sleep(STEP_MS)
    }
  } catch (error) {
    throw errorForTenant(call.view, error, subjectOf(call, record.name))
  }
}

async function isUsable(client: KubeClient, physicalName: string): Promise<boolean> {
  const review = await client.json<{ status?: { allowed?: boolean } }>({
    method: 'POST',
    path: ['apis', 'authorization.k8s.io', 'v1', 'selfsubjectaccessreviews'],
    body: {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SelfSubjectAccessReview',
      spec: { resourceAttributes: { namespace: physicalName, verb: 'list', resource: 'secrets' } },
    },
  })
  if (review.status?.allowed !== true) return false
  try {
    await client.json({
      method: 'GET',
      path: ['api', 'v1', 'namespaces', physicalName, 'serviceaccounts', 'default'],
    })
    return true
  } catch (error) {
    if (isKubeApiError(error, 404) || isKubeApiError(error, 403)) return false
    throw error
  }
}
