import type { FieldFault } from '../../protocol/errors/index.ts'
import { readAsked } from './asked.ts'
import { isRecord, type KubeObject, type Pod } from './objects.ts'
import { dataPlaneFields } from './pod-fields.ts'

const lists = ['containers', 'initContainers', 'volumes'] as const
/** Containers of all kinds mount. */
const mounting = ['containers', 'initContainers', 'ephemeralContainers'] as const

/**
 * What an apply configuration says of containers and volumes that the data plane has put beside the tenant's. They
 * are not in the tenant's view, in which a change is judged, so that naming them at all is refused (rule 15).
 */
export function hiddenFaults(config: KubeObject, current: KubeObject): FieldFault[] {
  const asked = readAsked(current)
  if (asked === undefined || current.kind !== 'Pod') return []
  const [said, there] = [config.spec, current.spec]
  if (!isRecord(said) || !isRecord(there)) return []
  return lists.flatMap((field) => {
    const hidden = new Set(namesOf(there[field]))
    for (const name of asked[field]) hidden.delete(name)
    return namesOf(said[field])
      .filter((name) => hidden.has(name))
      .map((name) => ({
        field: `spec.${field}[${name}]`,
        reason: 'FieldValueForbidden',
        message: 'the name is in use by the data plane',
      }))
  })
}

/**
 * The tenant's view of what an apply has made, with what the configuration says of fields that the view leaves out,
 * so that the policy judges them: a toleration or a node selector would be written unseen (E5).
 */
export function withClaims(result: KubeObject, config: KubeObject): KubeObject {
  if (result.kind !== 'Pod' || !isRecord(config.spec)) return result
  const spec: Record<string, unknown> = { ...(result.spec as object) }
  for (const field of [...dataPlaneFields, 'tolerations']) {
    // The node's name is left out of what is sent.
    if (field !== 'nodeName' && config.spec[field] !== undefined) spec[field] = config.spec[field]
  }
  return { ...result, spec }
}

/** Mounts of volumes that are not the pod's own: what a webhook adds is not for its containers to read. */
export function mountFaults(pod: Pod, volumes: readonly string[]): FieldFault[] {
  const known = new Set<unknown>(volumes)
  return mounting.flatMap((field) =>
    (pod.spec[field] ?? []).flatMap(({ volumeMounts }, at) =>
      (Array.isArray(volumeMounts) ? volumeMounts : []).flatMap((mount, index) => {
        if (!isRecord(mount) || known.has(mount.name)) return []
        const message = `${JSON.stringify(mount.name)}: no such volume`
        return [
          {
            field: `spec.${field}[${at}].volumeMounts[${index}].name`,
            reason: 'FieldValueNotFound',
            message,
          },
        ]
      }),
    ),
  )
}

/** The volumes that the tenant sees of a pod in the data plane. */
export function visibleVolumes(pod: Pod): string[] {
  return readAsked(pod)?.volumes ?? namesOf(pod.spec.volumes)
}

function namesOf(list: unknown): string[] {
  return (Array.isArray(list) ? list : []).flatMap((one) =>
    isRecord(one) && typeof one.name === 'string' ? [one.name] : [],
  )
}
