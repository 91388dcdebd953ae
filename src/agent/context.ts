import type { ForgeFacts } from '../kube/forge/to-data-plane.ts'
import type { KubeClient } from '../kube/index.ts'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'
import type { Self } from '../protocol/schemas/agent.ts'

/** What every module of the agent is given. */
export interface AgentContext {
  /** The user's API server, with a node's identity or one as small. */
  user: KubeClient
  /** The gateway's Kubernetes face; writes carry the writer's epoch. */
  gateway: KubeClient
  /** The Node's name in the user's cluster. */
  nodeName: string
  facts: ForgeFacts
  clock: Clock
  logger: Logger
  /** 0 ≤ x < 1. */
  random(): number
  /** Ends every loop. */
  signal: AbortSignal
  /** Whether this replica writes; asked before every write, never remembered. */
  isWriter(): boolean
  /** The last answer of `/v1/self`. */
  self(): Self | undefined
  /** Whether the gateway, and by its word the data plane, is there. */
  isConnected(): boolean
  recorder: EventRecorder
}

/** What an Event is about. */
export interface EventTarget {
  kind: 'Pod' | 'Node'
  name: string
  namespace?: string
  uid?: string
}

/** Tells the user by Events; the same again within minutes is counted, not repeated. Never throws. */
export interface EventRecorder {
  event(target: EventTarget, type: 'Normal' | 'Warning', reason: string, message: string): void
}

/** RFC 3339 to the second, as API objects carry times. */
export function timestamp(clock: Pick<Clock, 'now'>): string {
  return new Date(clock.now()).toISOString().replace(/\.\d+Z$/, 'Z')
}

/** RFC 3339 to the microsecond (metav1.MicroTime). */
export function microTime(ms: number): string {
  return new Date(Math.floor(ms)).toISOString().replace(/(\.\d{3})Z$/, (_, fraction: string) => {
    const micros = Math.round((ms - Math.floor(ms)) * 1000)
    return `${fraction}${String(Math.min(999, micros)).padStart(3, '0')}Z`
  })
}

export const STRATEGIC_MERGE = { 'content-type': 'application/strategic-merge-patch+json' }
export const MERGE_PATCH = { 'content-type': 'application/merge-patch+json' }
