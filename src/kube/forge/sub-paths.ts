import type { V1Container, V1EnvVar, V1Pod, V1VolumeMount } from '@kubernetes/client-node'
import type { Refusal } from './unsupported.ts'

/** A container that can not be made from its spec, as kubelets report it. */
export const CONFIG_ERROR = 'CreateContainerConfigError'

/** A mount that can not be made, and whose container it is. */
export interface SubPathFault extends Refusal {
  container: string
}

/**
 * `$(NAME)` as Kubernetes expands it: `$$` is a dollar, and what is no reference stays as it is.
 * (k8s.io/kubernetes/third_party/forked/golang/expansion)
 */
function expand(text: string, read: (name: string) => string): string {
  return text.replace(/\$(?:\$|\(([^)]*)\))/g, (whole, name?: string) =>
    name === undefined ? (whole === '$$' ? '$' : whole) : read(name),
  )
}

const MAP_FIELD = /^metadata\.(labels|annotations)\['(.+)'\]$/

/** The value of a field that the user's pod alone decides; undefined for one that only the data plane knows. */
function fieldValue(pod: V1Pod, path: string): string | undefined {
  const { metadata, spec } = pod
  const inMap = MAP_FIELD.exec(path)
  if (inMap) return metadata?.[inMap[1] as 'labels' | 'annotations']?.[inMap[2] ?? ''] ?? ''
  const known: Record<string, string | undefined> = {
    'metadata.name': metadata?.name,
    'metadata.namespace': metadata?.namespace,
    'metadata.uid': metadata?.uid,
    'spec.nodeName': spec?.nodeName,
    'spec.serviceAccountName': spec?.serviceAccountName,
  }
  return known[path]
}

/** The variables of `env` whose values follow from the user's pod alone; undefined marks the others. */
function knownVariables(pod: V1Pod, env: readonly V1EnvVar[]): Map<string, string | undefined> {
  const known = new Map<string, string | undefined>()
  for (const { name, value, valueFrom } of env) {
    if (valueFrom) {
      known.set(name, valueFrom.fieldRef ? fieldValue(pod, valueFrom.fieldRef.fieldPath) : undefined)
      continue
    }
    let open = false
    const text = expand(value ?? '', (other) => {
      const inner = known.get(other)
      if (inner === undefined) open = true // of another source, or none at all: not for us to say
      return inner ?? ''
    })
    known.set(name, open ? undefined : text)
  }
  return known
}

type Expansion = { path: string } | { fault: string } | 'unknown'

function expandMount(mount: V1VolumeMount, variables: Map<string, string | undefined>): Expansion {
  const missing = new Set<string>()
  let unknown = false
  const path = expand(mount.subPathExpr ?? '', (name) => {
    const value = variables.get(name)
    if (value === undefined) unknown = true
    else if (value === '') missing.add(name)
    return value ?? ''
  })
  if (unknown) return 'unknown'
  if (missing.size > 0) return { fault: `missing value for ${[...missing].sort().join(', ')}` }
  if (path.startsWith('/')) return { fault: `error SubPath \`${path}\` must not be an absolute path` }
  if (path.split('/').includes('..')) {
    return { fault: `unable to provision SubPath \`${path}\`: must not contain '..'` }
  }
  return { path }
}

/**
 * The container's mounts with each `subPathExpr` that the user's pod alone decides as a plain `subPath`: the gateway
 * takes only paths that it can check. Others stay as they are, and are refused there with their place.
 */
export function plainSubPaths(pod: V1Pod, container: V1Container): V1VolumeMount[] | undefined {
  if (!container.volumeMounts?.some(({ subPathExpr }) => subPathExpr)) return container.volumeMounts
  const variables = knownVariables(pod, container.env ?? [])
  return container.volumeMounts.map((mount) => {
    if (!mount.subPathExpr) return mount
    const expansion = expandMount(mount, variables)
    if (expansion === 'unknown' || 'fault' in expansion) return mount
    const { subPathExpr: _, ...rest } = mount
    return { ...rest, subPath: expansion.path }
  })
}

/** The first mount whose path can not be made, in a kubelet's words: the pod waits until it is changed. */
export function subPathFault(pod: V1Pod): SubPathFault | undefined {
  for (const container of [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])]) {
    const mounts = container.volumeMounts?.filter(({ subPathExpr }) => subPathExpr) ?? []
    if (mounts.length === 0) continue
    const variables = knownVariables(pod, container.env ?? [])
    for (const mount of mounts) {
      const expansion = expandMount(mount, variables)
      if (expansion === 'unknown' || !('fault' in expansion)) continue
      return { reason: CONFIG_ERROR, message: expansion.fault, container: container.name }
    }
  }
  return undefined
}
