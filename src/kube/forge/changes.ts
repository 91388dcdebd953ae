import { isDeepStrictEqual } from 'node:util'
import type {
  V1Container,
  V1EphemeralContainer,
  V1Pod,
  V1ResourceRequirements,
} from '@kubernetes/client-node'
import { mapContainer } from './containers.ts'
import { agentAnnotations, carriedMetadata, parseAppliedKeys } from './metadata.ts'
import { annotation } from './names.ts'
import { carriedTolerations, type ForgeFacts } from './to-data-plane.ts'

/** Strategic-merge patches that bring the carrying pod to what the user's pod has become; each on its own door. */
export interface Changes {
  pod?: object
  resize?: object
  ephemeralcontainers?: object
}

const plain = (value: unknown): unknown =>
  value === undefined ? undefined : JSON.parse(JSON.stringify(value))
const same = (a: unknown, b: unknown) => isDeepStrictEqual(plain(a), plain(b))

/** Values to set, and null for those that were brought along once and are no more; what others added stays. */
function mapChanges(
  present: Record<string, string> | undefined,
  wanted: Record<string, string>,
  applied: string[],
): Record<string, string | null> {
  const changes: Record<string, string | null> = {}
  for (const [key, value] of Object.entries(wanted)) if (present?.[key] !== value) changes[key] = value
  for (const key of applied) if (!(key in wanted) && present && key in present) changes[key] = null
  return changes
}

function imageChanges(user: V1Container[] | undefined, carried: V1Container[] | undefined): object[] {
  return (user ?? []).flatMap(({ name, image }) => {
    const there = carried?.find((container) => container.name === name)
    return there && there.image !== image ? [{ name, image }] : []
  })
}

/** Only what the user names: the data plane's policy may have filled in the rest. */
function differs(
  wanted: V1ResourceRequirements | undefined,
  there: V1ResourceRequirements | undefined,
): boolean {
  return (['requests', 'limits'] as const).some((side) =>
    Object.entries(wanted?.[side] ?? {}).some(([name, amount]) => there?.[side]?.[name] !== amount),
  )
}

function resourceChanges(user: V1Container[] | undefined, carried: V1Container[] | undefined): object[] {
  return (user ?? []).flatMap(({ name, resources }) => {
    const there = carried?.find((container) => container.name === name)
    return there && differs(resources, there.resources) ? [{ name, resources }] : []
  })
}

/** Tolerations can only be added, and the data plane adds its own. */
function missingTolerations(user: V1Pod, carried: V1Pod): object[] {
  const there = carried.spec?.tolerations ?? []
  const wanted = carriedTolerations(user.spec?.tolerations) ?? []
  const missing = wanted.filter((toleration) => !there.some((other) => same(other, toleration)))
  return missing.length > 0 ? [...there, ...missing] : []
}

/**
 * What of a pod may change after it was made: images, deadline, tolerations, labels, annotations; resources by
 * `/resize`, ephemeral containers by `/ephemeralcontainers`. Pure; empty when both sides are level.
 */
export function changesOf(user: V1Pod, carried: V1Pod, facts: ForgeFacts): Changes {
  const changes: Changes = {}
  const spec: Record<string, unknown> = {}
  const containers = imageChanges(user.spec?.containers, carried.spec?.containers)
  const initContainers = imageChanges(user.spec?.initContainers, carried.spec?.initContainers)
  const tolerations = missingTolerations(user, carried)
  if (containers.length > 0) spec['containers'] = containers
  if (initContainers.length > 0) spec['initContainers'] = initContainers
  if (tolerations.length > 0) spec['tolerations'] = tolerations
  const deadline = user.spec?.activeDeadlineSeconds
  if (deadline !== undefined && deadline !== carried.spec?.activeDeadlineSeconds) {
    spec['activeDeadlineSeconds'] = deadline
  }

  const resized = {
    containers: resourceChanges(user.spec?.containers, carried.spec?.containers),
    initContainers: resourceChanges(
      user.spec?.initContainers?.filter(({ restartPolicy }) => restartPolicy === 'Always'),
      carried.spec?.initContainers,
    ),
  }
  const filled = Object.entries(resized).filter(([, list]) => list.length > 0)
  if (filled.length > 0) changes.resize = { spec: Object.fromEntries(filled) }

  const known = new Set((carried.spec?.ephemeralContainers ?? []).map(({ name }) => name))
  const added = (user.spec?.ephemeralContainers ?? []).filter(({ name }) => !known.has(name))
  if (added.length > 0) {
    const mapped: V1EphemeralContainer[] = added.map((container) => mapContainer(user, container))
    changes.ephemeralcontainers = { spec: { ephemeralContainers: mapped } }
  }

  const applied = parseAppliedKeys(carried.metadata?.annotations?.[annotation.applied])
  const wanted = carriedMetadata(user)
  const labels = mapChanges(carried.metadata?.labels, wanted.labels, applied.labels)
  const annotations = mapChanges(
    carried.metadata?.annotations,
    { ...wanted.annotations, ...agentAnnotations(user, facts) },
    applied.annotations,
  )
  const metadata: Record<string, unknown> = {}
  if (Object.keys(labels).length > 0) metadata['labels'] = labels
  if (Object.keys(annotations).length > 0) metadata['annotations'] = annotations
  if (Object.keys(spec).length > 0 || Object.keys(metadata).length > 0) {
    changes.pod = {
      metadata: { ...metadata, uid: carried.metadata?.uid },
      ...(Object.keys(spec).length > 0 ? { spec } : {}),
    }
  }
  return changes
}
