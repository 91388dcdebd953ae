import type { KubeObject } from '../../store/types.ts'

/** metav1.PartialObjectMetadata. */
export function partialMetadata(object: KubeObject): Record<string, unknown> {
  return { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata }
}
