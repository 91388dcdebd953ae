import type { Clock } from '../../lib/clock.ts'
import { IsthmusError } from '../../protocol/errors/index.ts'
import { makeSlots } from './slots.ts'
import { sourceOf } from './source.ts'
import { makeTokenBuckets } from './token-buckets.ts'

/** What a limit is called in the metrics. */
export const limitNames = [
  'token-source',
  'token-credential',
  'self',
  'session',
  'kube',
  'kube-open',
] as const
export type LimitName = (typeof limitNames)[number]

/** The settings; each per replica, 0 for no limit. */
export interface LimitSettings {
  /** Token requests a second of one source address; bursts of ten times as many. */
  tokenPerSource: number
  /** Token requests a second of one credential (from one source); bursts of ten times as many. */
  tokenPerCredential: number
  /** Waiting `/v1/self` requests of one credential. */
  selfPolls: number
  /** Sessions and tickets a second of one virtual node; bursts of five times as many. */
  sessionsPerNode: number
  /** Requests a second of one tenant on the Kubernetes face; bursts of twice as many. */
  kubePerTenant: number
  /** Requests of one tenant on the Kubernetes face that are open at once, watches and followed logs included. */
  kubeOpenPerTenant: number
}

/**
 * How much one client may ask (threat G8). Counted in each replica's memory: a client that spreads its requests over N
 * replicas has N times as much, and no request waits for a shared counter.
 */
export interface Limits {
  /** Before a credential is checked. @throws too_many_requests */
  token(address: string, clientId: string): void
  /** A token request that failed: the next ones of this source wait longer. */
  tokenFailed(address: string, clientId: string): void
  /** A waiting `/v1/self`. @returns what to call when it ends. @throws too_many_requests */
  selfPoll(credentialId: string): () => void
  /** A session or ticket. @throws too_many_requests */
  session(nodeId: string): void
  /** A request to the Kubernetes face. @returns what to call when it is answered. @throws too_many_requests */
  kube(tenantId: string): () => void
}

/** A wrong secret costs as much as ten right ones: guessing is slowed down, an agent that restarts is not. */
const FAILED_COSTS = 10

/** @param options.onRefuse called for each refusal, for a counter */
export function makeLimits(options: {
  settings: LimitSettings
  clock: Pick<Clock, 'elapsed'>
  onRefuse?(limit: LimitName): void
}): Limits {
  const { settings, clock, onRefuse } = options
  const buckets = (perSecond: number, seconds: number) =>
    makeTokenBuckets({
      rate: { perSecond, burst: Math.max(1, perSecond * seconds) },
      elapsed: () => clock.elapsed(),
    })
  const sources = buckets(settings.tokenPerSource, 10)
  const credentials = buckets(settings.tokenPerCredential, 10)
  const sessions = buckets(settings.sessionsPerNode, 5)
  const tenants = buckets(settings.kubePerTenant, 2)
  const polls = makeSlots(settings.selfPolls)
  const open = makeSlots(settings.kubeOpenPerTenant)

  function refuse(limit: LimitName, waitMs: number): never {
    onRefuse?.(limit)
    throw new IsthmusError('too_many_requests', TEXTS[limit], {
      retryAfterSeconds: Math.max(1, Math.ceil(waitMs / 1000)),
    })
  }
  function pass(limit: LimitName, waitMs: number): void {
    if (waitMs > 0) refuse(limit, waitMs)
  }
  // With the source, because a client id is no secret: who guesses at it elsewhere must not lock its owner out.
  const credentialKey = (address: string, clientId: string) => `${sourceOf(address)} ${clientId.slice(0, 64)}`

  return {
    token(address, clientId) {
      pass('token-source', sources.take(sourceOf(address)))
      pass('token-credential', credentials.take(credentialKey(address, clientId)))
    },
    tokenFailed(address, clientId) {
      sources.charge(sourceOf(address), FAILED_COSTS - 1)
      credentials.charge(credentialKey(address, clientId), FAILED_COSTS - 1)
    },
    selfPoll: (credentialId) => polls.take(credentialId) ?? refuse('self', 1000),
    session: (nodeId) => pass('session', sessions.take(nodeId)),
    kube(tenantId) {
      pass('kube', tenants.take(tenantId))
      return open.take(tenantId) ?? refuse('kube-open', 1000)
    },
  }
}

/** Public: they say what was too much, and no figure that would help to stay just under it. */
const TEXTS: Record<LimitName, string> = {
  'token-source': 'Too many token requests from this address; try again later.',
  'token-credential': 'Too many token requests of this credential; try again later.',
  self: 'Too many waiting requests of this credential; try again later.',
  session: 'Too many sessions at once; try again later.',
  kube: 'Too many requests, please try again later.',
  'kube-open': 'Too many open requests, please try again later.',
}
