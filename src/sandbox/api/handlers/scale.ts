import type { KubeObject } from '../../store/index.ts'
import { asObject } from '../body.ts'
import type { ApiCall } from '../context.ts'

/** autoscaling/v1 Scale of a Deployment or ReplicaSet. */
export function toScale(object: KubeObject): KubeObject {
  const spec = object['spec'] as { replicas?: number; selector?: { matchLabels?: Record<string, string> } }
  const status = (object['status'] ?? {}) as { replicas?: number }
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata
  const selector = Object.entries(spec.selector?.matchLabels ?? {}).map(([key, value]) => `${key}=${value}`)
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: { replicas: spec.replicas ?? 1 },
    status: { replicas: status.replicas ?? 0, selector: selector.join(',') },
  }
}

/** A written Scale put back into its object. */
export function fromScale(value: unknown, current: KubeObject, _call: ApiCall): KubeObject {
  const scale = asObject(value, { group: 'autoscaling', version: 'v1', kind: 'Scale' })
  const { replicas = 0 } = (scale['spec'] ?? {}) as { replicas?: number }
  const { resourceVersion } = scale.metadata
  const metadata = { ...current.metadata, ...(resourceVersion ? { resourceVersion } : {}) }
  return { ...current, metadata, spec: { ...(current['spec'] as object), replicas } }
}
