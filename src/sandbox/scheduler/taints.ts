import type { Taint, Toleration } from './types.ts'

/** Whether a toleration covers a taint (v1 helper ToleratesTaint): an empty key with Exists covers all, an empty effect each effect. */
export function tolerates(toleration: Toleration, taint: Taint): boolean {
  if (toleration.effect && toleration.effect !== taint.effect) return false
  if (toleration.key && toleration.key !== taint.key) return false
  if (toleration.operator === 'Exists') return true
  if (!toleration.key) return false
  return (toleration.value ?? '') === (taint.value ?? '')
}

/** The first taint with one of these effects that nothing tolerates. */
export function untolerated(
  taints: readonly Taint[],
  tolerations: readonly Toleration[],
  effects: readonly string[],
): Taint | undefined {
  return taints.find(
    (taint) => effects.includes(taint.effect) && !tolerations.some((each) => tolerates(each, taint)),
  )
}

/**
 * How long a pod may stay on a node with these taints, in seconds: 0 when one is not tolerated, Infinity when all are
 * for ever, else the shortest of the tolerations used (the taint manager's getMinTolerationTime).
 */
export function tolerationSeconds(taints: readonly Taint[], tolerations: readonly Toleration[]): number {
  const evicting = taints.filter(({ effect }) => effect === 'NoExecute')
  let least = Number.POSITIVE_INFINITY
  for (const taint of evicting) {
    const used = tolerations.filter((each) => tolerates(each, taint))
    if (used.length === 0) return 0
    for (const { tolerationSeconds } of used) {
      if (tolerationSeconds !== undefined && tolerationSeconds !== null) {
        least = Math.min(least, Math.max(0, tolerationSeconds))
      }
    }
  }
  return least
}
