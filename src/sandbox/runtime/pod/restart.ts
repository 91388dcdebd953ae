import type { V1Container } from '@kubernetes/client-node'
import type { ContainerRecord } from '../container/record.ts'
import type { Pod } from '../types.ts'

/** A run that lasted this long ends the back-off: twice its maximum, as with a kubelet. */
const RESET_FACTOR = 2

/** Whether a container that has ended is to run again. */
export function shouldRestart(pod: Pod, record: ContainerRecord, exitCode: number): boolean {
  if (record.kind === 'ephemeral') return false
  if (record.kind === 'sidecar') return true
  const all = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])]
  const own = (all.find((each) => each.name === record.name) as V1Container | undefined)?.restartPolicy
  const policy = own ?? pod.spec.restartPolicy ?? 'Always'
  if (record.kind === 'init' && exitCode === 0) return false
  if (policy === 'Never') return false
  return policy === 'Always' || exitCode !== 0
}

/**
 * Notes that a run has ended, and when the next may begin: at once after the first end, then after base, 2·base, …
 * up to the maximum (a kubelet: 10 s to 5 min).
 */
export function noteExit(
  record: ContainerRecord,
  ranMs: number,
  now: number,
  limits: { backoffBaseMs: number; backoffMaxMs: number },
): void {
  if (ranMs >= limits.backoffMaxMs * RESET_FACTOR) record.crashes = 0
  record.crashes++
  record.retryAt = now + backoffMs(record, limits)
}

/** The delay that is being waited for. */
export function backoffMs(
  record: ContainerRecord,
  limits: { backoffBaseMs: number; backoffMaxMs: number },
): number {
  if (record.crashes < 2) return 0
  return Math.min(limits.backoffMaxMs, limits.backoffBaseMs * 2 ** (record.crashes - 2))
}
