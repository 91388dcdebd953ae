import type { Asked } from './asked.ts'
import type { Condition, ContainerState, ContainerStatus, Pod, PodStatus } from './objects.ts'
import { redactValue } from './redact.ts'
import { conditionMessage, statusMessage } from './texts/condition-texts.ts'
import { terminatedMessage, waitingMessage } from './texts/container-texts.ts'
import type { TenantView } from './view.ts'

/** Fields of a status that tell nothing of the data plane; all others are mapped below or left out. */
const plainFields = [
  'phase',
  'qosClass',
  'startTime',
  'observedGeneration',
  'resize',
  'resources',
  'allocatedResources',
]

/** Fields of a container's status that come through as they are. */
const containerFields = [
  'name',
  'ready',
  'started',
  'restartCount',
  'image',
  'imageID',
  'containerID',
  'resources',
  'allocatedResources',
  'user',
  'stopSignal',
]

/** Reasons are identifiers; anything else is text of somebody's and stays out. */
const identifier = /^[A-Za-z][A-Za-z0-9_/.-]{0,127}$/

/**
 * The status of a pod, rebuilt from its reasons (rule 20): addresses of machines, the nominated node and the data
 * plane's texts stay out, what the data plane injected is not listed.
 */
export function statusForTenant(view: TenantView, pod: Pod, asked: Asked | undefined): PodStatus {
  const from = pod.status ?? {}
  const status: PodStatus = {}
  for (const field of plainFields) if (from[field] !== undefined) status[field] = from[field]
  if (from.reason !== undefined && identifier.test(from.reason)) status.reason = from.reason
  const message = statusMessage(from.reason)
  if (message !== undefined) status.message = message
  const gates = new Set((pod.spec.readinessGates ?? []).map((gate) => gate.conditionType))
  if (from.conditions) {
    status.conditions = from.conditions.map((condition) => conditionForTenant(condition, gates, pod, asked))
  }
  if (view.network === 'flat') {
    if (from.podIP !== undefined) status.podIP = from.podIP
    if (from.podIPs) status.podIPs = from.podIPs
  }
  const lists = [
    ['containerStatuses', asked?.containers],
    ['initContainerStatuses', asked?.initContainers],
    ['ephemeralContainerStatuses', undefined],
  ] as const
  for (const [field, known] of lists) {
    const statuses = from[field] as ContainerStatus[] | null | undefined
    if (!statuses) continue
    status[field] = statuses
      .filter(({ name }) => known === undefined || known.includes(name))
      .map((one) => containerForTenant(one, asked))
  }
  return redactValue(view, status, 'pod.status')
}

function conditionForTenant(
  from: Condition,
  gates: ReadonlySet<string>,
  pod: Pod,
  asked: Asked | undefined,
): Condition {
  const to: Condition = { type: from.type, status: from.status }
  if (from.lastProbeTime !== undefined) to.lastProbeTime = from.lastProbeTime
  if (from.lastTransitionTime !== undefined) to.lastTransitionTime = from.lastTransitionTime
  if (from.observedGeneration !== undefined) to.observedGeneration = from.observedGeneration
  // Conditions of readiness gates are the tenant's own words.
  if (gates.has(from.type)) return { ...to, reason: from.reason, message: from.message }
  if (from.reason !== undefined && (from.reason === '' || identifier.test(from.reason)))
    to.reason = from.reason
  const message = conditionMessage(from, pod, asked)
  if (message !== undefined) to.message = message
  return to
}

function containerForTenant(from: ContainerStatus, asked: Asked | undefined): ContainerStatus {
  const to: ContainerStatus = { name: from.name }
  for (const field of containerFields) if (from[field] !== undefined) to[field] = from[field]
  to.state = stateForTenant(from.state, from)
  to.lastState = stateForTenant(from.lastState, from)
  const mounts = from.volumeMounts as { name: string }[] | undefined
  if (mounts)
    to.volumeMounts = mounts.filter(({ name }) => asked === undefined || asked.volumes.includes(name))
  return to
}

function stateForTenant(from: ContainerState | undefined, status: ContainerStatus): ContainerState {
  if (from?.waiting) {
    const reason = from.waiting.reason
    const to: { reason?: string; message?: string } = {}
    if (reason !== undefined && identifier.test(reason)) to.reason = reason
    const message = waitingMessage(from.waiting, status)
    if (message !== undefined) to.message = message
    return { waiting: to }
  }
  if (from?.terminated) {
    const { message: _, ...rest } = from.terminated
    const message = terminatedMessage(from.terminated)
    return { terminated: message === undefined ? rest : { ...rest, message } }
  }
  return from?.running ? { running: from.running } : {}
}
