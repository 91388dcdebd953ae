import type { FastifyInstance } from 'fastify'
import type { AgentFaceDeps } from './deps.ts'
import { authenticateScope } from './principal.ts'
import { registerSelf } from './self.ts'
import { registerSessions } from './sessions.ts'
import { registerWriterLease } from './writer-lease.ts'

export type { AgentFaceDeps } from './deps.ts'

/** The REST part of the agent face; the session's stream is registered by the streams. */
export function registerAgentFace(app: FastifyInstance, deps: AgentFaceDeps): void {
  app.register(async (scope) => {
    authenticateScope(scope, deps.tokens)
    registerSelf(scope, deps)
    registerWriterLease(scope, deps)
    registerSessions(scope, deps)
  })
}
