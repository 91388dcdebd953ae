import type { V1PodSpec } from '@kubernetes/client-node'
import type { ContainerStatus, PodCondition, PodPhase } from '../types.ts'

export interface ConditionsInput {
  spec: V1PodSpec
  generation: number | undefined
  phase: PodPhase
  init: readonly ContainerStatus[]
  app: readonly ContainerStatus[]
  /** What the stored pod has: conditions of others stay, and an unchanged one keeps its time. */
  current: readonly PodCondition[]
  /** The pod's directory and network are there. */
  prepared: boolean
  /** RFC 3339. */
  now: string
}

type Verdict = Pick<PodCondition, 'status' | 'reason' | 'message'>

const yes: Verdict = { status: 'True' }
const no = (reason: string, message?: string): Verdict => ({ status: 'False', reason, message })

function initialized(input: ConditionsInput): Verdict {
  if (input.phase === 'Succeeded') return { status: 'True', reason: 'PodCompleted' }
  const incomplete = (input.spec.initContainers ?? []).filter((container) => {
    const status = input.init.find((candidate) => candidate.name === container.name)
    if (container.restartPolicy === 'Always') return !status?.started
    return status?.state.terminated?.exitCode !== 0
  })
  // once the containers run, sidecars that restart do not take it back
  const began = input.app.some((status) => status.state.running || status.lastState.terminated)
  if (incomplete.length === 0 || began) return yes
  const names = incomplete.map((container) => container.name).join(' ')
  return no('ContainersNotInitialized', `containers with incomplete status: [${names}]`)
}

function containersReady(input: ConditionsInput): Verdict {
  if (input.phase === 'Succeeded') return no('PodCompleted')
  if (input.phase === 'Failed') return no('PodFailed')
  const sidecars = (input.spec.initContainers ?? []).filter((each) => each.restartPolicy === 'Always')
  const all = [...input.init, ...input.app]
  const counted = [...sidecars, ...input.spec.containers]
  const unready = counted.filter((each) => !all.find((status) => status.name === each.name)?.ready)
  if (unready.length === 0) return yes
  const names = unready.map((container) => container.name).join(' ')
  return no('ContainersNotReady', `containers with unready status: [${names}]`)
}

function ready(input: ConditionsInput, containers: Verdict): Verdict {
  if (containers.status !== 'True') return containers
  const gates = (input.spec.readinessGates ?? []).map((gate) => gate.conditionType)
  const closed = gates.filter((type) => input.current.find((each) => each.type === type)?.status !== 'True')
  if (closed.length === 0) return yes
  const missing = closed.map((type) => {
    const found = input.current.some((each) => each.type === type)
    return found
      ? `the status of pod readiness gate "${type}" is not "True", but ${input.current.find((each) => each.type === type)!.status}`
      : `corresponding condition of pod readiness gate "${type}" does not exist.`
  })
  return no('ReadinessGatesNotReady', missing.join(', '))
}

/**
 * The conditions that a kubelet owns, merged into those there are: others' stay as they are, and
 * lastTransitionTime changes only with the status. A terminal phase makes Ready and ContainersReady False in the same
 * write (kubernetes issue 108594).
 */
export function podConditions(input: ConditionsInput): PodCondition[] {
  const containers = containersReady(input)
  const own: Record<string, Verdict> = {
    PodReadyToStartContainers: {
      status: input.prepared && input.phase !== 'Succeeded' && input.phase !== 'Failed' ? 'True' : 'False',
    },
    Initialized: initialized(input),
    Ready: ready(input, containers),
    ContainersReady: containers,
    PodScheduled: yes,
  }
  const foreign = input.current.filter((condition) => !(condition.type in own))
  const owned = Object.entries(own).map(([type, verdict]): PodCondition => {
    const before = input.current.find((condition) => condition.type === type)
    return {
      type,
      status: verdict.status,
      ...(input.generation === undefined ? {} : { observedGeneration: input.generation }),
      lastProbeTime: null,
      lastTransitionTime: before?.status === verdict.status ? before.lastTransitionTime : input.now,
      ...(verdict.reason ? { reason: verdict.reason } : {}),
      ...(verdict.message ? { message: verdict.message } : {}),
    }
  })
  return [...owned, ...foreign]
}
