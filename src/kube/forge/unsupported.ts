import type { V1Pod, V1Volume } from '@kubernetes/client-node'

/** Why a pod can not be carried: shown on it as condition and Event. */
export interface Refusal {
  /** CamelCase, stable. */
  reason: string
  message: string
}

/** Volumes that go along; everything else needs the host or storage that is not there yet. */
const carriedVolumes = new Set(['name', 'configMap', 'secret', 'emptyDir', 'downwardAPI', 'projected'])

function kindOf(volume: V1Volume): string {
  const set = Object.entries(volume).filter(([key, value]) => key !== 'name' && value !== undefined)
  return set[0]?.[0] ?? 'emptyDir'
}

function volumeRefusal(volume: V1Volume): Refusal | undefined {
  const kind = kindOf(volume)
  if (!carriedVolumes.has(kind)) {
    return {
      reason: 'UnsupportedVolume',
      message: `volume ${volume.name}: ${kind} volumes are not carried by this virtual node`,
    }
  }
  for (const source of volume.projected?.sources ?? []) {
    const name = source.clusterTrustBundle
      ? 'clusterTrustBundle'
      : source.podCertificate
        ? 'podCertificate'
        : undefined
    if (name) {
      return {
        reason: 'UnsupportedVolume',
        message: `volume ${volume.name}: a projected ${name} is not carried by this virtual node`,
      }
    }
  }
  return undefined
}

/** The DaemonSet that made the pod, if one did. */
export function daemonSetOf(pod: V1Pod): string | undefined {
  return pod.metadata?.ownerReferences?.find((owner) => owner.controller && owner.kind === 'DaemonSet')?.name
}

/**
 * What the agent alone can say against carrying the pod; the gateway's policy says the rest. Refused rather
 * than dropped: a pod that silently runs without its volume or network is worse than one that waits.
 */
export function refusalOf(pod: V1Pod): Refusal | undefined {
  const daemonSet = daemonSetOf(pod)
  if (daemonSet) {
    return {
      reason: 'DaemonSetNotCarried',
      message:
        `pods of DaemonSet ${daemonSet} are not carried by a virtual node; keep them off with: ` +
        `kubectl -n ${pod.metadata?.namespace} patch daemonset ${daemonSet} --type merge -p ` +
        `'{"spec":{"template":{"spec":{"affinity":{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":` +
        `{"nodeSelectorTerms":[{"matchExpressions":[{"key":"type","operator":"NotIn","values":["virtual-kubelet"]}]}]}}}}}}}'`,
    }
  }
  if (pod.metadata?.annotations?.['kubernetes.io/config.mirror']) {
    return { reason: 'StaticPod', message: 'mirror pods of static pods belong to their kubelet' }
  }
  const host = (['hostNetwork', 'hostPID', 'hostIPC'] as const).find((field) => pod.spec?.[field])
  if (host) return { reason: 'HostAccess', message: `spec.${host} is not possible on a virtual node` }
  if (pod.spec?.resourceClaims?.length) {
    return { reason: 'UnsupportedField', message: 'spec.resourceClaims is not carried by this virtual node' }
  }
  for (const volume of pod.spec?.volumes ?? []) {
    const refusal = volumeRefusal(volume)
    if (refusal) return refusal
  }
  return undefined
}
