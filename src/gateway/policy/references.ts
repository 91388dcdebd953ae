import { shapeOf } from '../../kube/schema/index.ts'

/** A Secret or ConfigMap of the pod's namespace that a pod's spec names. */
export interface PodReference {
  /** Of the name: `spec.containers[0].envFrom[0].secretRef.name`. */
  path: string
  resource: 'secrets' | 'configmaps'
  name: string
}

/** The types of the Pod schema that name a Secret or ConfigMap, and the field that does. */
const naming: Readonly<Record<string, { resource: PodReference['resource']; field: string }>> = {
  ConfigMapEnvSource: { resource: 'configmaps', field: 'name' },
  ConfigMapKeySelector: { resource: 'configmaps', field: 'name' },
  ConfigMapProjection: { resource: 'configmaps', field: 'name' },
  ConfigMapVolumeSource: { resource: 'configmaps', field: 'name' },
  LocalObjectReference: { resource: 'secrets', field: 'name' },
  SecretEnvSource: { resource: 'secrets', field: 'name' },
  SecretKeySelector: { resource: 'secrets', field: 'name' },
  SecretProjection: { resource: 'secrets', field: 'name' },
  SecretVolumeSource: { resource: 'secrets', field: 'secretName' },
}

/**
 * Every reference of a pod's spec, found by the schema and not by a list of places: of five arms one was forgotten
 * in CVE-2024-3177. Takes any JSON; what is no reference by its shape is none.
 */
export function podReferences(spec: unknown): PodReference[] {
  const found: PodReference[] = []
  visit(found, 'PodSpec', 'spec', spec)
  return found
}

function visit(found: PodReference[], type: string, path: string, value: unknown): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return
  const fields = value as Record<string, unknown>
  const reference = Object.hasOwn(naming, type) ? naming[type] : undefined
  const name = reference === undefined ? undefined : fields[reference.field]
  if (reference !== undefined && typeof name === 'string' && name !== '') {
    found.push({ path: `${path}.${reference.field}`, resource: reference.resource, name })
  }
  for (const [field, inner] of Object.entries(fields)) {
    const shape = shapeOf(type, field)
    if (shape?.type === undefined) continue
    const at = `${path}.${field}`
    if (Array.isArray(inner)) {
      for (const [index, one] of inner.entries()) visit(found, shape.type, `${at}[${index}]`, one)
    } else visit(found, shape.type, at, inner)
  }
}
