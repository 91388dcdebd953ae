import { BlockList, isIP } from 'node:net'
import type { V1NodeList, V1Pod, V1PodList } from '@kubernetes/client-node'
import { TAINT_KEY } from '../../agent/node/node-object.ts'
import type { KubeClient } from '../../kube/index.ts'
import { type Finding, findingsOf, reasonOf } from './finding.ts'

const { ok, warn, fail } = findingsOf('network')
const REMEDY =
  'Give the clusters ranges of their own, or register the data plane as isolated: isthmus cluster update NAME --network isolated'

export interface RangeOptions {
  user: Pick<KubeClient, 'json'>
  /** The data plane, where its kubeconfig is at hand. */
  dataPlane: Pick<KubeClient, 'json'> | undefined
}

/**
 * Addresses of carried pods enter the user's EndpointSlices (agent-rules.md 42): where the ranges overlap, traffic
 * goes to a wrong pod without a word. An isolated data plane shows no addresses, and then there is nothing to find.
 */
export async function checkRanges({ user, dataPlane }: RangeOptions): Promise<Finding[]> {
  try {
    const own = await podRanges(user)
    const findings = [await checkCarried(user, own)]
    if (dataPlane) findings.push(...overlaps(own, await podRanges(dataPlane)))
    return findings
  } catch (error) {
    return [
      warn('ranges', `can not be read: ${reasonOf(error)}`, 'Use a kubeconfig that may list nodes and pods.'),
    ]
  }
}

/** podCIDRs of all real Nodes; empty where the network plugin allots addresses by itself. */
async function podRanges(client: Pick<KubeClient, 'json'>): Promise<string[]> {
  const { items } = await client.json<V1NodeList>({ method: 'GET', path: ['api', 'v1', 'nodes'] })
  const real = items.filter(({ metadata }) => metadata?.labels?.[TAINT_KEY] === undefined)
  return [...new Set(real.flatMap(({ spec }) => spec?.podCIDRs ?? []))]
}

async function checkCarried(user: Pick<KubeClient, 'json'>, own: string[]): Promise<Finding> {
  const nodes = await user.json<V1NodeList>({
    method: 'GET',
    path: ['api', 'v1', 'nodes'],
    query: { labelSelector: TAINT_KEY },
  })
  const virtual = new Set(nodes.items.map(({ metadata }) => metadata?.name))
  const { items } = await user.json<V1PodList>({ method: 'GET', path: ['api', 'v1', 'pods'] })
  const carried = items.filter(({ spec }) => virtual.has(spec?.nodeName))
  const local = new Set(items.filter((pod) => !carried.includes(pod)).flatMap(addresses))
  const clash = carried
    .flatMap((pod) => addresses(pod).map((ip) => ({ pod, ip })))
    .find(({ ip }) => local.has(ip) || own.some((range) => contains(range, ip)))
  if (!clash) return ok('carried pods', 'no address of a carried pod lies in the cluster’s own ranges')
  const { pod, ip } = clash
  const name = `${pod.metadata?.namespace}/${pod.metadata?.name}`
  return fail('carried pods', `${ip} of ${name} lies in a range of this cluster: Services misroute`, REMEDY)
}

function addresses({ spec, status }: V1Pod): string[] {
  if (spec?.hostNetwork) return []
  return (status?.podIPs ?? []).flatMap(({ ip }) => ip ?? [])
}

function overlaps(own: readonly string[], theirs: readonly string[]): Finding[] {
  if (own.length === 0 || theirs.length === 0) {
    return [
      warn(
        'ranges',
        'a cluster’s Nodes show no podCIDRs: overlaps can not be ruled out',
        'Compare the ranges in the configuration of both network plugins.',
      ),
    ]
  }
  const found = own.flatMap((left) =>
    theirs.filter((right) => overlap(left, right)).map((right) => [left, right]),
  )
  if (found.length === 0) return [ok('ranges', 'the pod ranges of both clusters are apart')]
  return found.map(([left, right]) =>
    warn(
      'ranges',
      `${left} of this cluster overlaps ${right} of the data plane, which matters when it is flat`,
      REMEDY,
    ),
  )
}

function overlap(left: string, right: string): boolean {
  return contains(left, right.split('/')[0] ?? '') || contains(right, left.split('/')[0] ?? '')
}

function contains(range: string, ip: string): boolean {
  const [network = '', prefix = ''] = range.split('/')
  const family = isIP(network)
  if (family === 0 || family !== isIP(ip)) return false
  const type = family === 6 ? 'ipv6' : 'ipv4'
  const list = new BlockList()
  list.addSubnet(network, Number(prefix), type)
  return list.check(ip, type)
}
