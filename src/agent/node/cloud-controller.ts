import type { V1Node, V1SubjectAccessReview } from '@kubernetes/client-node'
import type { KubeClient } from '../../kube/index.ts'
import type { Clock } from '../../lib/clock.ts'

/**
 * Under which names cloud controller managers run, in the clouds and where one is installed. A node may neither see
 * their pods nor their Leases, but may ask whether one of them can delete Nodes.
 */
const CONTROLLERS = [
  'system:serviceaccount:kube-system:cloud-controller-manager',
  'system:serviceaccount:kube-system:cloud-node-lifecycle-controller',
  'system:serviceaccount:kube-system:hcloud-cloud-controller-manager',
  'system:serviceaccount:kube-system:aws-cloud-controller-manager',
  'system:serviceaccount:kube-system:openstack-cloud-controller-manager',
  'system:cloud-controller-manager',
  'eks:cloud-controller-manager',
]
const TAINTS = /^node\.cloudprovider\.kubernetes\.io\//
/** As managed control planes call their versions: `v1.33.1-gke.1`, `v1.33.1-eks-a1b2c3`. */
const VERSIONS = /-(gke|eks|aliyun|tke|vke)[.-]/
const ASK_AGAIN_MS = 10 * 60_000

/** Tells whether somebody deletes Nodes that are not Ready and have no instance (rule 28), and by what it is known. */
export interface CloudDetector {
  /** The sign; undefined when there is none. @throws when the API server does not answer */
  detect(node: V1Node): Promise<string | undefined>
}

/** Makes one for the user's cluster. A sign is remembered for good, its absence for ten minutes. */
export function createCloudDetector(options: {
  user: Pick<KubeClient, 'json'>
  clock: Pick<Clock, 'elapsed'>
}): CloudDetector {
  const { user, clock } = options
  let found: string | undefined
  let askAgainAt = 0

  function onNode({ spec }: V1Node): string | undefined {
    if (spec?.providerID) return `the Node’s spec.providerID is ${spec.providerID}`
    const taint = spec?.taints?.find(({ key }) => TAINTS.test(key))
    return taint && `the Node has the taint ${taint.key}`
  }

  async function byVersion(): Promise<string | undefined> {
    const { gitVersion = '' } = await user.json<{ gitVersion?: string }>({
      method: 'GET',
      path: ['version'],
      timeoutMs: 10_000,
    })
    return VERSIONS.test(gitVersion) ? `the cluster’s version is ${gitVersion}` : undefined
  }

  async function byRight(name: string): Promise<string | undefined> {
    const { status } = await user.json<V1SubjectAccessReview>({
      method: 'POST',
      path: ['apis', 'authorization.k8s.io', 'v1', 'subjectaccessreviews'],
      body: {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SubjectAccessReview',
        spec: { user: name, resourceAttributes: { verb: 'delete', version: 'v1', resource: 'nodes' } },
      },
      timeoutMs: 10_000,
    })
    return status?.allowed === true ? `${name} may delete Nodes` : undefined
  }

  return {
    async detect(node) {
      found ??= onNode(node)
      if (found !== undefined || clock.elapsed() < askAgainAt) return found
      const signs = await Promise.all([byVersion(), ...CONTROLLERS.map(byRight)])
      found = signs.find((sign) => sign !== undefined)
      askAgainAt = clock.elapsed() + ASK_AGAIN_MS
      return found
    },
  }
}
