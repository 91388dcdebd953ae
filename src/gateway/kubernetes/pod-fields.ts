import { isRecord } from './objects.ts'

/** Fields of a pod's spec that are the data plane's: hidden from the tenant and kept on every write. */
export const dataPlaneFields = [
  'nodeName',
  'nodeSelector',
  'affinity',
  'topologySpreadConstraints',
  'priority',
  'priorityClassName',
  'preemptionPolicy',
  'runtimeClassName',
  'overhead',
  'schedulerName',
  'schedulingGroup',
  'resourceClaims',
] as const

const shownTolerations = new Set(['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'])

/** Kubernetes' own tolerations are shown; others tell of the data plane's taints. */
export function isVisibleToleration(toleration: unknown): boolean {
  return isRecord(toleration) && shownTolerations.has(String(toleration.key))
}
