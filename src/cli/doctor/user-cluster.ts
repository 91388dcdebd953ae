import type {
  V1CertificateSigningRequestList,
  V1DaemonSetList,
  V1Node,
  V1NodeList,
} from '@kubernetes/client-node'
import { TAINT_KEY } from '../../agent/node/node-object.ts'
import type { KubeClient } from '../../kube/index.ts'
import { daemonSetsOn, expectedNode, type NodeTraits } from '../user-cluster/daemon-sets.ts'
import { type Finding, findingsOf, reasonOf } from './finding.ts'
import { checkKubeletPort } from './kubelet-port.ts'

const { ok, warn, fail } = findingsOf('user cluster')

/** The oldest version that the end-to-end suite runs against. */
const OLDEST_MINOR = 31

export interface UserClusterOptions {
  client: Pick<KubeClient, 'json' | 'send'>
  /** Name of the Node; every virtual node of the cluster when absent. */
  nodeName: string | undefined
}

/** What the owner of a user's cluster can set right: version, Nodes, kubelet ports, DaemonSets and certificates. */
export async function checkUserCluster({ client, nodeName }: UserClusterOptions): Promise<Finding[]> {
  const version = await checkVersion(client)
  if (version.state === 'fail') return [version]
  const findings = [version]
  const nodes = await attempt(findings, 'nodes', () => virtualNodes(client, nodeName))
  if (nodes?.length === 0) findings.push(noNode(nodeName))
  for (const node of nodes ?? []) findings.push(...nodeFindings(node), await checkKubeletPort(client, node))
  const traits = nodes?.map(traitsOf) ?? []
  if (traits.length === 0 && nodeName !== undefined) traits.push(expectedNode(nodeName, TAINT_KEY))
  if (traits.length > 0) {
    findings.push(...((await attempt(findings, 'DaemonSets', () => daemonSets(client, traits))) ?? []))
    findings.push(...((await attempt(findings, 'certificates', () => signingRequests(client, traits))) ?? []))
  }
  return findings
}

/** What can not be read is a finding of its own; the other checks go on. */
async function attempt<T>(findings: Finding[], what: string, read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read()
  } catch (error) {
    findings.push(warn(what, `can not be read: ${reasonOf(error)}`, 'Use a kubeconfig that may list them.'))
    return undefined
  }
}

async function checkVersion(client: UserClusterOptions['client']): Promise<Finding> {
  try {
    const { gitVersion } = await client.json<{ gitVersion: string }>({ method: 'GET', path: ['version'] })
    const minor = Number(/^v1\.(\d+)/.exec(gitVersion)?.[1])
    if (minor >= OLDEST_MINOR) return ok('version', gitVersion)
    const tried = `Upgrade it: tried from 1.${OLDEST_MINOR} on.`
    return warn('version', `${gitVersion} is older than what the agent is tested with`, tried)
  } catch (error) {
    return fail(
      'version',
      `the API server does not answer: ${reasonOf(error)}`,
      'Check --kubeconfig with kubectl.',
    )
  }
}

async function virtualNodes(
  client: UserClusterOptions['client'],
  name: string | undefined,
): Promise<V1Node[]> {
  const query = name === undefined ? { labelSelector: TAINT_KEY } : { fieldSelector: `metadata.name=${name}` }
  return (await client.json<V1NodeList>({ method: 'GET', path: ['api', 'v1', 'nodes'], query })).items
}

function noNode(name: string | undefined): Finding {
  return fail(
    'nodes',
    name === undefined ? 'there is no virtual node' : `there is no Node ${name}`,
    'isthmus node install TENANT/NODE | kubectl apply -f -; where that is done, see the agent’s log.',
  )
}

function nodeFindings(node: V1Node): Finding[] {
  const name = node.metadata?.name ?? ''
  const conditions = new Map(node.status?.conditions?.map((condition) => [condition.type, condition]))
  const ready = conditions.get('Ready')
  const connected = conditions.get('isthmus.dev/Connected')
  const findings = [
    ready?.status === 'True'
      ? ok(`node ${name}`, 'Ready')
      : fail(
          `node ${name}`,
          `not Ready: ${ready?.reason ?? 'no condition'}: ${ready?.message ?? ''}`,
          'See the agent’s log: kubectl -n isthmus-system logs -l app=isthmus-agent',
        ),
  ]
  if (connected && connected.status !== 'True') {
    findings.push(
      fail(
        `node ${name} gateway`,
        `${connected.reason} since ${String(connected.lastTransitionTime)}: ${connected.message}`,
        'isthmus doctor --gateway URL, from where the agent runs.',
      ),
    )
  }
  if (!node.spec?.taints?.some(({ key }) => key === TAINT_KEY)) {
    findings.push(
      warn(
        `node ${name} taint`,
        'it has no taint: pods that did not ask for it come to it',
        `kubectl taint node ${name} ${TAINT_KEY}=${name}:NoSchedule`,
      ),
    )
  }
  if (node.spec?.unschedulable) {
    findings.push(warn(`node ${name} cordon`, 'it is cordoned', `kubectl uncordon ${name}`))
  }
  return findings
}

function traitsOf(node: V1Node): NodeTraits {
  const { name = '', labels = {} } = node.metadata ?? {}
  return { name, labels, taints: node.spec?.taints ?? [] }
}

/** agent-rules.md 30. */
async function daemonSets(client: UserClusterOptions['client'], nodes: NodeTraits[]): Promise<Finding[]> {
  const path = ['apis', 'apps', 'v1', 'daemonsets']
  const { items } = await client.json<V1DaemonSetList>({ method: 'GET', path })
  const found = nodes.flatMap((node) => daemonSetsOn(node, items))
  const byName = new Map(found.map((one) => [`${one.namespace}/${one.name}`, one]))
  if (byName.size === 0) return [ok('DaemonSets', 'none comes to the virtual nodes')]
  return [...byName].map(([name, { command }]) =>
    warn(
      `DaemonSet ${name}`,
      'its pods come to the virtual node, stay Pending and stop its rollouts',
      command,
    ),
  )
}

/** agent-rules.md 31: nobody approves requests for a kubelet's serving certificate by himself. */
async function signingRequests(
  client: UserClusterOptions['client'],
  nodes: NodeTraits[],
): Promise<Finding[]> {
  const path = ['apis', 'certificates.k8s.io', 'v1', 'certificatesigningrequests']
  const { items } = await client.json<V1CertificateSigningRequestList>({ method: 'GET', path })
  const users = new Set(nodes.map(({ name }) => `system:node:${name}`))
  const pending = items.filter(
    ({ spec, status }) =>
      spec.signerName === 'kubernetes.io/kubelet-serving' &&
      users.has(spec.username ?? '') &&
      !status?.certificate &&
      !status?.conditions?.some(({ type }) => ['Approved', 'Denied', 'Failed'].includes(type)),
  )
  if (pending.length === 0) return [ok('certificates', 'no request for a serving certificate waits')]
  return pending.map(({ metadata, spec }) =>
    warn(
      `certificate ${metadata?.name}`,
      `the request of ${spec.username} for its serving certificate waits; it vanishes after 24 h`,
      `kubectl certificate approve ${metadata?.name}`,
    ),
  )
}
