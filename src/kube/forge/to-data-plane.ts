import type { V1Pod, V1PodDNSConfig, V1PodSpec, V1Toleration } from '@kubernetes/client-node'
import { mapContainer } from './containers.ts'
import type { NodeFacts } from './downward.ts'
import { agentAnnotations, carriedMetadata } from './metadata.ts'
import { mapVolume } from './volumes.ts'

/** What the forge has to know of the virtual node and the user's cluster. */
export interface ForgeFacts extends NodeFacts {
  /** DNS of the user's cluster, reachable from the data plane; without it `ClusterFirst` becomes `Default`. */
  clusterDns?: { servers: string[]; domain: string }
}

/**
 * Fields of a pod's spec that go along unchanged. What is not here stays behind: placement (nodeName, affinity,
 * nodeSelector, topologySpreadConstraints, schedulerName), priority and readinessGates are the user's
 * scheduler's and controllers' business; ServiceAccount and token volumes are replaced.
 * What the gateway's policy forbids goes along all the same, so that it is refused aloud with its path.
 */
const asTheyAre = [
  'activeDeadlineSeconds',
  'hostAliases',
  'hostUsers',
  'hostname',
  'hostnameOverride',
  'imagePullSecrets',
  'os',
  'resources',
  'restartPolicy',
  'runtimeClassName',
  'securityContext',
  'setHostnameAsFQDN',
  'shareProcessNamespace',
  'subdomain',
  'terminationGracePeriodSeconds',
] as const satisfies readonly (keyof V1PodSpec)[]

/** A pod on a lost machine of the data plane: how long it may wait there is the user's word; all else is not. */
const carriedTaints = new Set(['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'])

/** The tolerations that mean something in the data plane. */
export function carriedTolerations(tolerations: V1Toleration[] | undefined): V1Toleration[] | undefined {
  const kept = tolerations?.filter(({ key }) => carriedTaints.has(key ?? ''))
  return kept?.length ? kept : undefined
}

/** `ClusterFirst` means the user's cluster: given explicitly, since the data plane's own would answer otherwise. */
function dns(pod: V1Pod, facts: ForgeFacts): Pick<V1PodSpec, 'dnsPolicy' | 'dnsConfig'> {
  const policy = pod.spec?.dnsPolicy ?? 'ClusterFirst'
  const own = pod.spec?.dnsConfig
  if (policy === 'None' || policy === 'Default') return { dnsPolicy: policy, dnsConfig: own }
  if (!facts.clusterDns) return { dnsPolicy: 'Default', dnsConfig: own }
  const { servers, domain } = facts.clusterDns
  const namespace = pod.metadata?.namespace
  const ownOptions = own?.options ?? []
  const dnsConfig: V1PodDNSConfig = {
    nameservers: [...servers, ...(own?.nameservers ?? [])],
    searches: [`${namespace}.svc.${domain}`, `svc.${domain}`, domain, ...(own?.searches ?? [])],
    options: [
      ...(ownOptions.some(({ name }) => name === 'ndots') ? [] : [{ name: 'ndots', value: '5' }]),
      ...ownOptions,
    ],
  }
  return { dnsPolicy: 'None', dnsConfig }
}

/**
 * The pod that carries the user's pod behind the gateway: same namespace and name, the user's UID as an
 * annotation. Pure; the same input gives the same output, so that a repeated create is the same create.
 */
export function toDataPlane(pod: V1Pod, facts: ForgeFacts): V1Pod {
  const source = pod.spec as V1PodSpec
  const uid = pod.metadata?.uid ?? ''
  const carried = carriedMetadata(pod)
  const kept = Object.fromEntries(
    asTheyAre.filter((field) => source[field] !== undefined).map((field) => [field, source[field]]),
  ) as Partial<V1PodSpec>
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: pod.metadata?.name,
      namespace: pod.metadata?.namespace,
      labels: carried.labels,
      annotations: { ...carried.annotations, ...agentAnnotations(pod, facts) },
    },
    spec: {
      ...kept,
      ...dns(pod, facts),
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      containers: source.containers.map((container) => mapContainer(pod, container)),
      initContainers: source.initContainers?.map((container) => mapContainer(pod, container)),
      tolerations: carriedTolerations(source.tolerations),
      volumes: source.volumes?.map((volume) => mapVolume(uid, volume)),
    },
  }
}
