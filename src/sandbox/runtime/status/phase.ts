import type { V1PodSpec } from '@kubernetes/client-node'
import type { ContainerStatus, PodPhase } from '../types.ts'

export interface PhaseInput {
  spec: V1PodSpec
  init: readonly ContainerStatus[]
  app: readonly ContainerStatus[]
  /** No container will run again: the pod is being deleted, has run out of time, or all have ended for good. */
  ending: boolean
}

/** What has ended, or waits after it had ended, and how. */
function ended(status: ContainerStatus | undefined) {
  return status?.state.terminated ?? (status?.state.running ? undefined : status?.lastState.terminated)
}

/** How far the start got: an init container that is not done yet, or failed for good. */
function initState(input: PhaseInput): 'done' | 'pending' | 'failed' {
  let state: 'done' | 'pending' = 'done'
  for (const container of input.spec.initContainers ?? []) {
    const status = input.init.find((candidate) => candidate.name === container.name)
    if (container.restartPolicy === 'Always') {
      if (!status?.started && !ended(status)) state = 'pending'
      continue
    }
    const end = ended(status)
    if (end && end.exitCode !== 0 && (input.spec.restartPolicy === 'Never' || input.ending)) return 'failed'
    if (status?.state.terminated?.exitCode !== 0) state = 'pending'
  }
  return state
}

/**
 * A pod's phase as a kubelet computes it (getPhase in kubelet_pods.go): Pending until every container has started
 * once, terminal only when nothing runs and nothing will.
 */
export function podPhase(input: PhaseInput): PodPhase {
  const init = initState(input)
  if (init === 'failed') return 'Failed'
  let waiting = 0
  let running = 0
  let stopped = 0
  let succeeded = 0
  for (const container of input.spec.containers) {
    const status = input.app.find((candidate) => candidate.name === container.name)
    const end = ended(status)
    if (status?.state.running) running++
    else if (end) {
      stopped++
      if (end.exitCode === 0) succeeded++
    } else waiting++
  }
  // a pod that is ended before it began: nothing of it runs, and nothing will
  if (input.ending && running === 0) {
    return stopped > 0 && waiting === 0 && succeeded === stopped ? 'Succeeded' : 'Failed'
  }
  if (init === 'pending' || waiting > 0) return 'Pending'
  if (running > 0) return 'Running'
  if ((input.spec.restartPolicy ?? 'Always') === 'Always') return 'Running'
  if (stopped === succeeded) return 'Succeeded'
  return input.spec.restartPolicy === 'Never' ? 'Failed' : 'Running'
}
