import { kubeTime } from '../events.ts'
import type { PodCondition } from '../runtime/types.ts'
import type { Pod } from './types.ts'

/** The pod's conditions with this one set; undefined when it says so already. */
export function withCondition(
  pod: Pod,
  next: Pick<PodCondition, 'type' | 'status' | 'reason' | 'message'>,
  nowMs: number,
): PodCondition[] | undefined {
  const current = pod.status?.conditions ?? []
  const before = current.find(({ type }) => type === next.type)
  if (before?.status === next.status && before.reason === next.reason && before.message === next.message) {
    return undefined
  }
  const condition: PodCondition = {
    ...next,
    ...(pod.metadata.generation === undefined ? {} : { observedGeneration: pod.metadata.generation }),
    lastProbeTime: null,
    lastTransitionTime: before?.status === next.status ? before.lastTransitionTime : kubeTime(nowMs),
  }
  return [...current.filter(({ type }) => type !== next.type), condition]
}
