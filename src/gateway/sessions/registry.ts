import { randomUUID } from 'node:crypto'
import type { Clock } from '../../lib/clock.ts'
import type { Logger } from '../../lib/logger.ts'
import { isUuid } from '../../lib/uuid.ts'
import { IsthmusError, isIsthmusError } from '../../protocol/errors/index.ts'
import type { CutOff, Directory } from '../directory/index.ts'
import { type Jwts, SESSION_TICKET } from '../tokens/index.ts'
import { type Principal, principalFrom } from '../tokens/principal.ts'
import type { Session, SessionRegistry, SessionTarget } from './index.ts'
import { errorOfCutOff, type LocalSession, makeLocalSession } from './local-session.ts'
import type { SessionRow, SessionStore } from './store.ts'

export interface SessionLimits {
  /** Live sessions of one virtual node, over all replicas. */
  perNode: number
  /** A session without a byte for so long is ended, in milliseconds. */
  idleMs: number
  /** No session lives longer, in milliseconds. */
  longestMs: number
}

/** kubelets end idle streams after 4 h (streamingConnectionIdleTimeout); a day is more than any rollout needs. */
export const DEFAULT_SESSION_LIMITS: SessionLimits = {
  perNode: 500,
  idleMs: 4 * 3_600_000,
  longestMs: 24 * 3_600_000,
}

/** The client opens the stream right after; an agent's clock does not matter, ours signs and checks. */
const TICKET_SECONDS = 20
const MAINTAIN_MS = 5_000

export interface SessionRegistryOptions {
  replicaId: string
  store: SessionStore
  directory: Directory
  jwts: Jwts
  clock: Clock
  logger: Logger
  limits?: Partial<SessionLimits>
}

export interface RunningSessionRegistry extends SessionRegistry {
  /** Open on this replica. */
  count(): number
  /** Tells every open session to end (shutdown) and waits until they have, `graceMs` at most. No new ones after. */
  drain(graceMs: number): Promise<void>
  close(): Promise<void>
}

/** The sessions of this replica over the table that all replicas share. */
export function makeSessionRegistry(options: SessionRegistryOptions): RunningSessionRegistry {
  const { replicaId, store, directory, jwts, clock, logger } = options
  const limits = { ...DEFAULT_SESSION_LIMITS, ...options.limits }
  const open = new Map<string, LocalSession>()
  /** Ended while Postgres was away. */
  const unended = new Map<string, string>()
  const draining = new AbortController()

  const rowOf = (principal: Principal, target: SessionTarget): SessionRow => ({
    id: randomUUID(),
    tenantId: principal.tenantId,
    nodeId: principal.nodeId,
    credentialId: principal.credentialId,
    target,
    tokenExpiresAtMs: principal.expiresAtMs,
  })
  const sessionOf = (row: SessionRow): Session => ({
    id: row.id,
    principal: { tenantId: row.tenantId, nodeId: row.nodeId, credentialId: row.credentialId },
    target: row.target,
  })
  const refuseWhileDraining = () => {
    draining.signal.throwIfAborted()
  }

  function track(row: SessionRow): LocalSession {
    const session = makeLocalSession(row, clock, end)
    open.set(row.id, session)
    // A cut-off that was seen between the check of the token and now would be missed otherwise.
    try {
      principalOf(directory, row)
    } catch (error) {
      if (isIsthmusError(error)) session.cut(error)
    }
    return session
  }

  async function end(session: LocalSession, outcome: string): Promise<void> {
    open.delete(session.id)
    try {
      if (!session.registered) await store.insertOpen(session.row, replicaId, Number.MAX_SAFE_INTEGER)
      const counts = session.takeCounts()
      if (counts.bytesIn + counts.bytesOut > 0) await store.addBytes([{ id: session.id, ...counts }])
      await store.end(session.id, outcome)
    } catch (error) {
      logger.warn({ err: error, session: session.id, outcome }, 'the end of a session could not be noted')
      if (isIsthmusError(error, 'unavailable')) unended.set(session.id, outcome)
    }
  }

  const unlisten = directory.onCutOff((cutOff) => {
    for (const session of open.values()) {
      if (concerns(cutOff, session)) session.cut(errorOfCutOff(cutOff.reason))
    }
  })

  async function maintain(): Promise<void> {
    const now = clock.now()
    for (const session of open.values()) {
      if (now - session.activeAtMs > limits.idleMs || now - session.openedAtMs > limits.longestMs) {
        session.cut(new IsthmusError('timeout', 'The session was idle for too long or at its longest.'))
      }
    }
    await store.heartbeat(replicaId)
    for (const session of open.values()) {
      if (session.registered) continue
      try {
        await store.insertOpen(session.row, replicaId, Number.MAX_SAFE_INTEGER)
      } catch (error) {
        if (isIsthmusError(error, 'unavailable')) throw error
        logger.warn({ err: error, session: session.id }, 'a session could not be registered afterwards')
      }
      session.registered = true
    }
    for (const [id, outcome] of unended) {
      await store.end(id, outcome)
      unended.delete(id)
    }
    const counts = [...open.values()].map((session) => ({ id: session.id, ...session.takeCounts() }))
    const moved = counts.filter(({ bytesIn, bytesOut }) => bytesIn + bytesOut > 0)
    if (moved.length > 0) await store.addBytes(moved)
  }
  const closed = new AbortController()
  const loop = (async () => {
    while (!closed.signal.aborted) {
      await maintain().catch((error) => logger.warn({ err: error }, 'sessions could not be maintained'))
      await clock.sleep(MAINTAIN_MS, closed.signal, { ref: false }).catch(() => {})
    }
  })()

  return {
    draining: draining.signal,
    async createTicket(principal, target) {
      refuseWhileDraining()
      const row = rowOf(principal, target)
      const jti = randomUUID()
      const expiresAtMs = clock.now() + TICKET_SECONDS * 1000
      const ticket = await jwts.sign(SESSION_TICKET, { sub: row.id, jti }, TICKET_SECONDS)
      await store.insertTicket(row, { jti, expiresAtMs }, limits.perNode)
      return { session: sessionOf(row), ticket, expiresAtMs }
    },

    async redeem(sessionId, ticket) {
      refuseWhileDraining()
      const claims = await jwts.verify(SESSION_TICKET, ticket)
      // The path must name the ticket's own session; any other is as good as missing.
      if (!isUuid(sessionId) || claims.sub !== sessionId) throw noSession()
      const row = await store.redeem(sessionId, claims.jti, replicaId)
      if (!row) throw noSession()
      const session = track(row)
      try {
        return Object.assign(session, { fullPrincipal: principalOf(directory, row) })
      } catch (error) {
        // Nobody else has it, to end it: it would count as open for ever.
        await session.end('refused')
        throw error
      }
    },

    async open(principal, target) {
      refuseWhileDraining()
      const row = rowOf(principal, target)
      let registered = true
      try {
        await store.insertOpen(row, replicaId, limits.perNode)
      } catch (error) {
        // design.md §4: log follows go on while Postgres is away and are registered afterwards.
        if (target.verb !== 'log' || !isIsthmusError(error, 'unavailable')) throw error
        registered = false
      }
      const session = track(row)
      session.registered = registered
      return session
    },

    count: () => open.size,
    async drain(graceMs) {
      draining.abort(
        new IsthmusError('unavailable', 'This replica is shutting down.', { retryAfterSeconds: 1 }),
      )
      for (const session of open.values()) {
        session.cut(
          new IsthmusError('unavailable', 'The gateway is shutting down.', { retryAfterSeconds: 1 }),
        )
      }
      const until = clock.now() + graceMs
      while (open.size > 0 && clock.now() < until) await clock.sleep(20)
      await Promise.all([...open.values()].map((session) => session.end('shut-down')))
    },
    async close() {
      closed.abort()
      unlisten()
      await loop
    },
  }
}

const noSession = () => new IsthmusError('not_found', 'There is no such session, or its ticket was used.')

function concerns(cutOff: CutOff, session: LocalSession): boolean {
  switch (cutOff.scope) {
    case 'session':
      return session.id === cutOff.id
    case 'credential':
      return session.principal.credentialId === cutOff.id
    case 'node':
      return session.principal.nodeId === cutOff.id
    case 'tenant':
      return session.principal.tenantId === cutOff.id
  }
}

/** The principal of a stored session, if nothing of it is gone, revoked or suspended. */
function principalOf(directory: Directory, row: SessionRow): Principal {
  const credential = directory.credential(row.credentialId)
  const node = directory.node(row.nodeId)
  const tenant = directory.tenant(row.tenantId)
  if (!credential || !node || !tenant) throw errorOfCutOff('deleted')
  if (credential.revoked) throw errorOfCutOff('revoked')
  if (tenant.suspended) throw errorOfCutOff('suspended')
  return principalFrom({ credential, node, tenant }, row.tokenExpiresAtMs)
}
