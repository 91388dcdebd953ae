import type { Node, Taint } from './types.ts'

const prefix = 'node.kubernetes.io/'
const READY = 'Ready'

/** Which taint a condition stands for, when it has this status (the node lifecycle controller's table). */
const byCondition: Record<string, Record<string, string>> = {
  [READY]: { False: 'not-ready', Unknown: 'unreachable' },
  MemoryPressure: { True: 'memory-pressure' },
  DiskPressure: { True: 'disk-pressure' },
  NetworkUnavailable: { True: 'network-unavailable' },
  PIDPressure: { True: 'pid-pressure' },
}

const owned = new Set([
  `${prefix}unschedulable`,
  ...Object.values(byCondition).flatMap((table) => Object.values(table).map((name) => prefix + name)),
])

/**
 * The taints that a node should have: those that its conditions and `unschedulable` stand for, beside those of
 * others. Ready=False and Unknown also evict (NoExecute). Undefined when it has them already.
 */
export function wantedTaints(node: Node, now: string): Taint[] | undefined {
  const current = node.spec?.taints ?? []
  const wanted: Taint[] = []
  for (const { type, status } of node.status?.conditions ?? []) {
    const name = byCondition[type]?.[status]
    if (!name) continue
    wanted.push({ key: prefix + name, effect: 'NoSchedule' })
    if (type === READY) wanted.push({ key: prefix + name, effect: 'NoExecute' })
  }
  if (node.spec?.unschedulable) wanted.push({ key: `${prefix}unschedulable`, effect: 'NoSchedule' })
  const same = (a: Taint, b: Taint) => a.key === b.key && a.effect === b.effect
  const kept = current.filter((taint) => !owned.has(taint.key) || wanted.some((each) => same(each, taint)))
  const added = wanted.filter((taint) => !current.some((each) => same(each, taint)))
  if (kept.length === current.length && added.length === 0) return undefined
  return [...kept, ...added.map((taint) => ({ ...taint, timeAdded: now }))]
}
