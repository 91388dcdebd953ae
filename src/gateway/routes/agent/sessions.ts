import type { FastifyInstance } from 'fastify'
import { parseContainerName, parseNamespaceName, parsePodName } from '../../../kube/names.ts'
import { IsthmusError } from '../../../protocol/errors/index.ts'
import { SessionRequest, SessionTicket } from '../../../protocol/schemas/agent.ts'
import { operation } from '../../plugins/schema-types.ts'
import type { SessionTarget } from '../../sessions/index.ts'
import type { AgentFaceDeps } from './deps.ts'
import { principalOf } from './principal.ts'

/** `POST /v1/sessions`: a ticket for one stream, bound to all that it names. The stream itself is streams/. */
export function registerSessions(app: FastifyInstance, deps: AgentFaceDeps): void {
  app.post<{ Body: SessionRequest }>(
    '/v1/sessions',
    {
      schema: operation({
        operationId: 'createSession',
        summary: 'Ask for the single-use ticket of an exec, attach, log or port-forward stream',
        tags: ['agent'],
        body: SessionRequest,
        response: { 201: SessionTicket },
      }),
    },
    async (request, reply) => {
      const principal = principalOf(request)
      const target = targetOf(request.body)
      // Entering a pod is a write, whatever the method (threat C1).
      if (principal.access === 'read-only' && target.verb !== 'log') {
        throw new IsthmusError('forbidden', 'The credential is read-only.')
      }
      deps.limits.session(principal.nodeId)
      const { session, ticket, expiresAtMs } = await deps.sessions.createTicket(principal, target)
      deps.audit.record({
        requestId: request.id,
        actor: `credential:${principal.credentialId}`,
        tenantId: principal.tenantId,
        nodeId: principal.nodeId,
        verb: target.verb,
        resource: 'sessions',
        namespace: target.namespace,
        name: target.pod,
        outcome: 'ticket',
      })
      const expiresAt = new Date(expiresAtMs).toISOString()
      return reply.code(201).send({ id: session.id, ticket, expiresAt })
    },
  )
}

function targetOf(body: SessionRequest): SessionTarget {
  const { verb, container, command, logOptions } = body
  const target: SessionTarget = {
    verb,
    namespace: parseNamespaceName(body.namespace, 'namespace', 'invalid'),
    pod: parsePodName(body.pod, 'pod', 'invalid'),
    container: container === undefined ? undefined : parseContainerName(container, 'container', 'invalid'),
  }
  if (verb === 'exec' && !command?.length) throw invalid('command', 'is required for exec')
  if (verb !== 'exec' && command !== undefined) throw invalid('command', 'goes with exec alone')
  if (verb !== 'log' && logOptions !== undefined) throw invalid('logOptions', 'goes with log alone')
  if (verb === 'log') return { ...target, logOptions }
  if (verb === 'portforward') return target
  const { stdin, stdout, stderr, tty } = body
  return { ...target, command, stdin, stdout, stderr, tty }
}

function invalid(field: string, message: string): IsthmusError {
  return new IsthmusError('invalid', `${field}: ${message}`, {
    causes: [{ field, reason: 'FieldValueInvalid', message }],
  })
}
