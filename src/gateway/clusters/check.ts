import { isKubeApiError, type KubeClient, KubeUnreachableError } from '../../kube/client/types.ts'
import { type FieldFault, IsthmusError } from '../../protocol/errors/index.ts'
import { CLUSTER_RIGHTS, describeRight, type Right } from './rights.ts'

/** The oldest Kubernetes that speaks v5 channels and the port-forward tunnel as needed (kubernetes-face.md 22). */
const MINOR_MIN = 31
/** Any name that is no tenant's: the policy has to refuse it. */
const FOREIGN_NAMESPACE = 'isthmus-registration-check'
const TENANT_NAMESPACE = `t-${'a'.repeat(26)}`
const CHECK_TIMEOUT_MS = 10_000

export interface ClusterCheck {
  /** `gitVersion`, such as `v1.36.3`. */
  kubernetesVersion: string
}

/**
 * Whether this credential at this data plane can carry tenants and nothing else: reachable, new enough, with every
 * right it needs, and confined by the admission policy.
 * @throws IsthmusError invalid with everything that is missing; bad_gateway when it does not answer
 */
export async function checkCluster(client: KubeClient): Promise<ClusterCheck> {
  const version = await readVersion(client)
  const missing = await missingRights(client)
  const faults: FieldFault[] = missing.map((right) => ({
    field: 'credential',
    reason: 'FieldValueForbidden',
    message: `lacks the right: ${describeRight(right)}`,
  }))
  // Without the right to create namespaces a refusal would prove nothing about the policy.
  if (!missing.some((right) => right.resource === 'namespaces' && right.verb === 'create')) {
    faults.push(...(await confinementFaults(client)))
  }
  if (faults.length > 0) {
    const list = faults.map((fault) => fault.message).join('; ')
    throw new IsthmusError(
      'invalid',
      `The data plane can not be registered: ${list}. Apply deploy/data-plane.yaml.`,
      {
        causes: faults,
      },
    )
  }
  return { kubernetesVersion: version }
}

async function readVersion(client: KubeClient): Promise<string> {
  const version = await reach(() =>
    client.json<{ gitVersion: string; major: string; minor: string }>({
      method: 'GET',
      path: ['version'],
      timeoutMs: CHECK_TIMEOUT_MS,
    }),
  )
  const minor = Number.parseInt(version.minor, 10)
  if (version.major !== '1' || !(minor >= MINOR_MIN)) {
    throw new IsthmusError(
      'invalid',
      `The data plane runs Kubernetes ${version.gitVersion}; 1.${MINOR_MIN} or newer is needed.`,
    )
  }
  return version.gitVersion
}

async function missingRights(client: KubeClient): Promise<Right[]> {
  const answers = await Promise.all(
    CLUSTER_RIGHTS.map(async (right) => {
      const { status } = await reach(() =>
        client.json<{ status?: { allowed?: boolean } }>({
          method: 'POST',
          path: ['apis', 'authorization.k8s.io', 'v1', 'selfsubjectaccessreviews'],
          body: {
            apiVersion: 'authorization.k8s.io/v1',
            kind: 'SelfSubjectAccessReview',
            spec: { resourceAttributes: right },
          },
          timeoutMs: CHECK_TIMEOUT_MS,
        }),
      )
      return status?.allowed === true
    }),
  )
  return CLUSTER_RIGHTS.filter((_, index) => !answers[index])
}

/** design.md §3: the policy's refusal is required, and of a foreign name only. */
async function confinementFaults(client: KubeClient): Promise<FieldFault[]> {
  const fault = (message: string) => [{ field: 'credential', reason: 'FieldValueForbidden', message }]
  const foreign = await dryRunNamespace(client, FOREIGN_NAMESPACE)
  if (foreign !== 'refused') return fault('is not confined by the admission policy isthmus-gateway')
  const own = await dryRunNamespace(client, TENANT_NAMESPACE)
  if (own === 'refused') return fault('may not create a tenant’s namespace: the admission policy refuses it')
  return []
}

async function dryRunNamespace(client: KubeClient, name: string): Promise<'accepted' | 'refused'> {
  try {
    await reach(() =>
      client.json({
        method: 'POST',
        path: ['api', 'v1', 'namespaces'],
        query: { dryRun: 'All' },
        body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name } },
        timeoutMs: CHECK_TIMEOUT_MS,
      }),
    )
    return 'accepted'
  } catch (error) {
    if (isKubeApiError(error, 403)) return 'refused'
    // There already: admission comes before storage, so that it was let through.
    if (isKubeApiError(error, 409)) return 'accepted'
    throw error
  }
}

async function reach<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    if (error instanceof KubeUnreachableError) {
      throw new IsthmusError('bad_gateway', `The data plane does not answer: ${error.message}`, {
        cause: error,
      })
    }
    if (isKubeApiError(error, 401)) {
      throw new IsthmusError('invalid', 'The data plane does not accept the credential.', { cause: error })
    }
    throw error
  }
}
