import { isDeepStrictEqual } from 'node:util'
import { isActive } from '../container/record.ts'
import { podConditions } from '../status/conditions.ts'
import { podPhase } from '../status/phase.ts'
import { qosClass } from '../status/qos.ts'
import type { Pod, PodPhase, PodStatus } from '../types.ts'
import { containerStatus } from './container-status.ts'
import type { Parts } from './records.ts'

export interface PodStatusInput {
  pod: Pod
  parts: Parts
  /** Volumes are there: the pod has its place. */
  prepared: boolean
  initialized: boolean
  /** Nothing more is to be started. */
  ending: boolean
  /** Why the pod ended, beside its containers: `DeadlineExceeded`. */
  reason?: string
  message?: string
  startTime: string
  podIP: string
  hostIP: string
  now: string
}

/** The whole status that the runtime owns. It is terminal only when no process of the pod is left. */
export function podStatus(input: PodStatusInput): PodStatus {
  const { pod, parts, hostIP, podIP } = input
  const active = parts.all.some(({ record }) => isActive(record))
  const over = input.ending && !active
  const hasInit = parts.init.length > 0 && !input.initialized
  const context = { creating: hasInit ? 'PodInitializing' : 'ContainerCreating', over } as const
  const init = parts.init.map((part) => containerStatus(part, { ...context, over: false }))
  const app = parts.app.map((part) => containerStatus(part, context))
  const ephemeral = parts.ephemeral.map((part) => containerStatus(part, { ...context, over: false }))

  let phase: PodPhase =
    input.reason && over ? 'Failed' : podPhase({ spec: pod.spec, init, app, ending: over })
  const terminal = phase === 'Succeeded' || phase === 'Failed'
  if (terminal && active) phase = parts.app.some(({ record }) => record.instance) ? 'Running' : 'Pending'

  const conditions = podConditions({
    spec: pod.spec,
    generation: pod.metadata.generation,
    phase,
    init,
    app,
    current: pod.status?.conditions ?? [],
    prepared: input.prepared,
    now: input.now,
  })
  return {
    observedGeneration: pod.metadata.generation,
    phase,
    conditions,
    hostIP,
    hostIPs: [{ ip: hostIP }],
    ...(input.prepared ? { podIP, podIPs: [{ ip: podIP }] } : {}),
    startTime: input.startTime,
    qosClass: pod.status?.qosClass ?? qosClass(pod.spec),
    ...(init.length > 0 ? { initContainerStatuses: init } : {}),
    containerStatuses: app,
    ...(ephemeral.length > 0 ? { ephemeralContainerStatuses: ephemeral } : {}),
    ...(input.reason ? { reason: input.reason, message: input.message } : {}),
  }
}

/** Whether the stored status says something else. */
export function statusDiffers(stored: PodStatus | undefined, next: PodStatus): boolean {
  const plain = JSON.parse(JSON.stringify(next)) as Record<string, unknown>
  const before = (stored ?? {}) as Record<string, unknown>
  return Object.entries(plain).some(([field, value]) => !isDeepStrictEqual(before[field], value))
}
