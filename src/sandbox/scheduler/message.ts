import type { Rejection } from './filter.ts'

function histogram(texts: readonly string[]): string {
  const counts = new Map<string, number>()
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1)
  return [...counts]
    .map(([text, count]) => `${count} ${text}`)
    .sort()
    .join(', ')
}

/**
 * What FailedScheduling says (the scheduler's FitError with the preemption plugin's addition), such as
 * `0/2 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint(s). no new claims to deallocate,
 * preemption: …` (1.36; the claims are those of dynamic resource allocation).
 * The sandbox preempts nobody.
 */
export function fitMessage(rejections: readonly Rejection[]): string {
  const total = rejections.length
  if (total === 0) return 'no nodes available to schedule pods'
  const why = histogram(rejections.flatMap(({ reasons }) => reasons))
  const preemption = histogram(
    rejections.map(({ resolvable }) =>
      resolvable
        ? 'No preemption victims found for incoming pod'
        : 'Preemption is not helpful for scheduling',
    ),
  )
  return `0/${total} nodes are available: ${why}. no new claims to deallocate, preemption: 0/${total} nodes are available: ${preemption}.`
}
