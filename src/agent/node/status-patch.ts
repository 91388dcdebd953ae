import { isDeepStrictEqual } from 'node:util'
import type { V1Node, V1NodeCondition, V1NodeStatus } from '@kubernetes/client-node'

/** How often a condition's heartbeat is renewed when nothing else changed; the Lease tells liveness meanwhile. */
const HEARTBEAT_MS = 60_000

const plain = (value: unknown): unknown =>
  value === undefined ? undefined : JSON.parse(JSON.stringify(value))

function withoutHeartbeat(condition: V1NodeCondition | undefined): unknown {
  return plain({ ...condition, lastHeartbeatTime: undefined })
}

/**
 * The strategic-merge patch that turns the Node's status, as the API server has it, into ours. Conditions of
 * others, their capacity keys and volumes stay: only our own fields are named (three-way in effect, since ours are
 * a fixed set). `undefined` when nothing differs and the heartbeat is young.
 */
export function nodeStatusPatch(node: V1Node, wanted: V1NodeStatus): object | undefined {
  const before = node.status ?? {}
  const status: Record<string, unknown> = {}
  const conditions = wanted.conditions ?? []
  const old = (type: string) => before.conditions?.find((condition) => condition.type === type)
  const changed = conditions.some(
    (condition) => !isDeepStrictEqual(withoutHeartbeat(old(condition.type)), withoutHeartbeat(condition)),
  )
  const heartbeat = (condition: V1NodeCondition | undefined) =>
    condition?.lastHeartbeatTime ? new Date(condition.lastHeartbeatTime).getTime() : 0
  const stale = conditions.some(
    (condition) => heartbeat(condition) - heartbeat(old(condition.type)) >= HEARTBEAT_MS,
  )
  if (changed || stale) status['conditions'] = conditions
  for (const field of ['capacity', 'allocatable'] as const) {
    const differing = Object.entries(wanted[field] ?? {}).filter(
      ([key, value]) => before[field]?.[key] !== value,
    )
    if (differing.length > 0) status[field] = Object.fromEntries(differing)
  }
  for (const field of ['nodeInfo', 'daemonEndpoints'] as const) {
    const merged = { ...before[field], ...wanted[field] }
    if (!isDeepStrictEqual(plain(before[field]), plain(merged))) status[field] = wanted[field]
  }
  if (!isDeepStrictEqual(plain(before.addresses ?? []), plain(wanted.addresses ?? []))) {
    status['addresses'] = [...(wanted.addresses ?? []), { $patch: 'replace' }]
  }
  // An API server before 1.35 drops the field: asked for again only while nothing of it is known there.
  const features = wanted.declaredFeatures ?? []
  if (
    features.length > 0 &&
    !isDeepStrictEqual(before.declaredFeatures, features) &&
    Object.keys(status).length > 0
  ) {
    status['declaredFeatures'] = features
  }
  return Object.keys(status).length > 0 ? { status } : undefined
}
