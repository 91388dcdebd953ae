import type { Principal } from '../tokens/principal.ts'

export type SessionVerb = 'exec' | 'attach' | 'log' | 'portforward'

/** What a session is for; a ticket is bound to all of it. */
export interface SessionTarget {
  verb: SessionVerb
  namespace: string
  pod: string
  container?: string
  command?: string[]
  stdin?: boolean
  stdout?: boolean
  stderr?: boolean
  tty?: boolean
  /** Of a followed log: the PodLogOptions as a query, checked. */
  logOptions?: Record<string, string>
}

export interface Session {
  id: string
  principal: Pick<Principal, 'tenantId' | 'nodeId' | 'credentialId'>
  target: SessionTarget
}

/** A session while its bytes flow on this replica. */
export interface OpenSession extends Session {
  /** Aborted when the session is killed, cut off, idle or at its longest; the reason is an IsthmusError. */
  signal: AbortSignal
  /** Counts bytes and keeps the session from being idle. */
  touch(bytesIn: number, bytesOut: number): void
  /** Ends it in the table; idempotent. `outcome` is a short word such as `completed`, `client-gone`, `killed`. */
  end(outcome: string): Promise<void>
}

export interface SessionRegistry {
  /** Aborted, with what a client is told, when this replica begins to shut down. */
  readonly draining: AbortSignal
  /** Makes a session and its single-use ticket (a JWT), good for seconds on any replica. @throws unavailable, too_many_requests */
  createTicket(
    principal: Principal,
    target: SessionTarget,
  ): Promise<{ session: Session; ticket: string; expiresAtMs: number }>
  /** Consumes the ticket: exactly one caller wins, whatever the replica. @throws unauthenticated, not_found, unavailable */
  redeem(sessionId: string, ticket: string): Promise<OpenSession & { fullPrincipal: Principal }>
  /** A session opened directly on the Kubernetes face. @throws unavailable (but a log follow is registered afterwards), too_many_requests */
  open(principal: Principal, target: SessionTarget): Promise<OpenSession>
}

export { errorOfCutOff } from './local-session.ts'
export {
  DEFAULT_SESSION_LIMITS,
  makeSessionRegistry,
  type RunningSessionRegistry,
  type SessionLimits,
  type SessionRegistryOptions,
} from './registry.ts'
export type { SessionRow, SessionStore } from './store.ts'
