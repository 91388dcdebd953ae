import type { V1ObjectFieldSelector, V1Pod } from '@kubernetes/client-node'
import { annotation } from './names.ts'

/** What differs between the user's node and the data plane's, and which pods may ask for by the downward API. */
export interface NodeFacts {
  nodeName: string
  /** InternalIP of the virtual node: what `status.hostIP` says to the user and inside the pod. */
  hostIp: string
}

/** Fields that say something else in the data plane, and the annotation that holds the user's value. */
const byAnnotation: Record<string, string> = {
  'metadata.namespace': annotation.namespace,
  'metadata.uid': annotation.uid,
  'spec.nodeName': annotation.node,
  'spec.serviceAccountName': annotation.serviceAccount,
  'status.hostIP': annotation.hostIp,
  'status.hostIPs': annotation.hostIp,
  'metadata.labels': annotation.labels,
  'metadata.annotations': annotation.annotations,
}

/**
 * A field selector that gives the user's value in the data plane: fields that are the same on both sides stay
 * (name, one label, one annotation, podIP), the others are read from an annotation, which works in env and in
 * volumes alike and, unlike a literal, is not expanded as `$(VAR)`.
 */
export function mapFieldRef(ref: V1ObjectFieldSelector): V1ObjectFieldSelector {
  const key = byAnnotation[ref.fieldPath]
  return key ? { ...ref, fieldPath: `metadata.annotations['${key}']` } : ref
}

/** Go's strconv.Quote as far as label and annotation values can tell. */
function quote(value: string): string {
  return JSON.stringify(value).replace(/\u007f/g, '\\x7f')
}

/** A map as the kubelet writes it into a downward-API file: `key="value"` lines, sorted by key. */
export function formatMap(map: Record<string, string> | undefined): string {
  return Object.keys(map ?? {})
    .sort()
    .map((key) => `${key}=${quote(map?.[key] ?? '')}`)
    .join('\n')
}

/** Whether a downward-API volume of the pod shows this whole map. */
function showsInVolume(pod: V1Pod, fieldPath: string): boolean {
  return (pod.spec?.volumes ?? []).some((volume) =>
    [volume.downwardAPI, ...(volume.projected?.sources ?? []).map((source) => source.downwardAPI)].some(
      (downward) => downward?.items?.some((item) => item.fieldRef?.fieldPath === fieldPath),
    ),
  )
}

/** The annotations that `mapFieldRef` refers to. */
export function downwardAnnotations(pod: V1Pod, facts: NodeFacts): Record<string, string> {
  const values: Record<string, string> = {
    [annotation.uid]: pod.metadata?.uid ?? '',
    [annotation.namespace]: pod.metadata?.namespace ?? '',
    [annotation.node]: facts.nodeName,
    [annotation.serviceAccount]: pod.spec?.serviceAccountName ?? 'default',
    [annotation.hostIp]: facts.hostIp,
  }
  if (showsInVolume(pod, 'metadata.labels')) values[annotation.labels] = formatMap(pod.metadata?.labels)
  if (showsInVolume(pod, 'metadata.annotations')) {
    values[annotation.annotations] = formatMap(pod.metadata?.annotations)
  }
  return values
}
