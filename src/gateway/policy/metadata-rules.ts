import { isDeepStrictEqual } from 'node:util'
import type { FieldFault } from '../../protocol/errors/index.ts'

type StringMap = Readonly<Record<string, string>>

/** Keys that belong to the gateway alone (design.md §1). */
const GATEWAY_PREFIX = 'isthmus.dev/'

/**
 * Annotations that a data plane's own components act on: they attach a pod to networks, pick its address or
 * switch off its confinement. A tenant who sets one speaks to the data plane, not to its pod.
 */
const interpreted: readonly RegExp[] = [
  /^container\.apparmor\.security\.beta\.kubernetes\.io\//,
  /^(container\.)?seccomp\.security\.alpha\.kubernetes\.io(\/|$)/,
  /(^|\.)cni\.cncf\.io\//,
  /(^|\.)projectcalico\.org\//,
  /(^|\.)cilium\.io\//,
  /(^|\.)ovn\.org\//,
  /(^|\.)ovn\.kubernetes\.io\//,
  /(^|\.)antrea\.io\//,
  /^io\.kubernetes\.cri/,
  /^io\.katacontainers\./,
  /(^|\.)istio\.io\//,
  /(^|\.)linkerd\.io\//,
  /^cluster-autoscaler\.kubernetes\.io\//,
  /^kubernetes\.io\/(ingress|egress)-bandwidth$/,
  // Kubelets take a pod with these for the mirror of one of their own files, admission plugins as well.
  /^kubernetes\.io\/config\./,
]

interface Metadata {
  labels?: StringMap | null
  annotations?: StringMap | null
  finalizers?: readonly string[] | null
}

/** Judges what a write changes in labels, annotations and finalizers of an object of any kind. */
export function judgeMetadata(before: Metadata | undefined, after: Metadata | undefined): FieldFault[] {
  return [
    ...judgeKeys('metadata.labels', before?.labels ?? {}, after?.labels ?? {}, refusedLabel),
    ...judgeKeys(
      'metadata.annotations',
      before?.annotations ?? {},
      after?.annotations ?? {},
      refusedAnnotation,
    ),
    ...judgeFinalizers(before?.finalizers ?? [], after?.finalizers ?? []),
  ]
}

function judgeKeys(
  path: string,
  before: StringMap,
  after: StringMap,
  refused: (key: string) => string | undefined,
): FieldFault[] {
  const keys = new Set([...Object.keys(before), ...Object.keys(after)])
  return [...keys]
    .filter((key) => before[key] !== after[key])
    .flatMap((key) => {
      const message = refused(key)
      return message === undefined
        ? []
        : [{ field: `${path}[${key}]`, reason: 'FieldValueForbidden', message }]
    })
}

function refusedLabel(key: string): string | undefined {
  return key.startsWith(GATEWAY_PREFIX) ? 'isthmus.dev/ belongs to the gateway' : undefined
}

function refusedAnnotation(key: string): string | undefined {
  if (key.startsWith(GATEWAY_PREFIX)) return 'isthmus.dev/ belongs to the gateway'
  return interpreted.some((pattern) => pattern.test(key))
    ? 'components of the data plane act on it'
    : undefined
}

/** A finalizer blocks deletion in the data plane for ever, since nobody there knows its controller (rule 17). */
function judgeFinalizers(before: readonly string[], after: readonly string[]): FieldFault[] {
  if (isDeepStrictEqual(before, after)) return []
  const message = 'finalizers stay in the cluster whose controllers know them'
  return [{ field: 'metadata.finalizers', reason: 'FieldValueForbidden', message }]
}
