import type { V1PodSpec } from '@kubernetes/client-node'
import type { AdmissionPlugin } from './index.ts'

const SECONDS = 300
const KEYS = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'] as const

/** DefaultTolerationSeconds: five minutes of patience with a node that is away, unless the pod says otherwise. */
export const defaultTolerations: AdmissionPlugin = ({
  phase,
  operation,
  resource,
  group,
  subresource,
  object,
}) => {
  if (phase !== 'mutate' || group || resource !== 'pods' || subresource || !object) return
  if (operation !== 'CREATE' && operation !== 'UPDATE') return
  const spec = object['spec'] as V1PodSpec
  const tolerations = spec.tolerations ?? []
  for (const key of KEYS) {
    const covered = tolerations.some(
      (each) => (each.key === key || !each.key) && (each.effect === 'NoExecute' || !each.effect),
    )
    if (!covered)
      tolerations.push({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: SECONDS })
  }
  spec.tolerations = tolerations
}
