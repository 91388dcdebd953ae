import type { Pod } from '../types.ts'
import { ContainerConfigError } from './config-error.ts'

/** Go's %q of a label or annotation value, as the downward API writes it into files. */
function quote(value: string): string {
  return JSON.stringify(value)
}

/** A map as a downward API file shows it: `key="value"` lines, sorted by key. */
export function formatMap(map: Record<string, string> | undefined): string {
  return Object.entries(map ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${quote(value)}`)
    .join('\n')
}

/** What the runtime knows beside the object. */
export interface FieldContext {
  podIP: string
  hostIP: string
}

/**
 * The value of a `fieldRef` (core/v1 ObjectFieldSelector). A missing label or annotation is the empty text, as with
 * a kubelet. @throws ContainerConfigError for a path that the downward API does not have.
 */
export function resolveFieldRef(pod: Pod, fieldPath: string, context: FieldContext): string {
  const subscript = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(fieldPath)
  if (subscript) {
    const map = subscript[1] === 'labels' ? pod.metadata.labels : pod.metadata.annotations
    return map?.[subscript[2]!] ?? ''
  }
  switch (fieldPath) {
    case 'metadata.name':
      return pod.metadata.name
    case 'metadata.namespace':
      return pod.metadata.namespace ?? ''
    case 'metadata.uid':
      return pod.metadata.uid
    case 'metadata.labels':
      return formatMap(pod.metadata.labels)
    case 'metadata.annotations':
      return formatMap(pod.metadata.annotations)
    case 'spec.nodeName':
      return pod.spec.nodeName ?? ''
    case 'spec.serviceAccountName':
      return pod.spec.serviceAccountName ?? 'default'
    case 'status.podIP':
    case 'status.podIPs':
      return context.podIP
    case 'status.hostIP':
    case 'status.hostIPs':
      return context.hostIP
    default:
      throw new ContainerConfigError(`unsupported fieldPath: ${fieldPath}`)
  }
}
