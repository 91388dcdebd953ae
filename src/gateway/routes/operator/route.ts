import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Static, TSchema } from 'typebox'
import { IsthmusError, toIsthmusError } from '../../../protocol/errors/index.ts'
import { hashSecret } from '../../credentials/index.ts'
import type { OperatorPrincipal } from '../../operators/index.ts'
import { bearerOf } from '../../plugins/bearer.ts'
import { once } from '../../plugins/idempotency.ts'
import type { OperationSchema } from '../../plugins/schema-types.ts'
import { etagOf, revisionOf } from '../../plugins/tags.ts'
import type { Scope } from '../../tenants/index.ts'
import type { OperatorServices } from './services.ts'

/**
 * Who may: `read` every role; `tenant` also a tenant-admin, within its tenant; `admin` admins alone.
 * A tenant-admin never sees what lies outside its tenant: the scope makes it missing.
 */
export type Access = 'read' | 'read-all' | 'tenant' | 'admin'

export interface OperatorContext {
  operator: OperatorPrincipal
  scope: Scope
  services: OperatorServices
  /** From If-Match. */
  revision: number | undefined
}

export interface OperatorAnswer {
  /** 200 by default, 204 without a body. */
  status?: number
  body?: unknown
  /** Becomes the ETag. */
  revision?: number
  /** Joined to the body of the first answer alone; neither kept nor replayed. */
  secret?: Record<string, string>
  /** What it was about, for the audit. */
  subject?: { name?: string; tenantId?: string; nodeId?: string }
}

interface Input<P extends TSchema, Q extends TSchema, B extends TSchema> {
  params: Static<P>
  query: Static<Q>
  body: Static<B>
}

/** One operation of the operator face: route, authority, schemas and what it does. */
export interface OperatorRoute<P extends TSchema, Q extends TSchema, B extends TSchema> {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  url: string
  operationId: string
  summary: string
  access: Access
  /** The noun, for the audit and as OpenAPI tag. */
  resource: string
  params?: P
  query?: Q
  body?: B
  /** By status. */
  response: Record<number, TSchema>
  handle(input: Input<P, Q, B>, context: OperatorContext): Promise<OperatorAnswer>
}

/** A route with its types forgotten, as the register holds it. */
export type AnyOperatorRoute = Omit<OperatorRoute<TSchema, TSchema, TSchema>, 'handle'> & {
  handle(input: never, context: OperatorContext): Promise<OperatorAnswer>
}

/** Keeps the schemas' types together with the handler. */
export function operatorRoute<P extends TSchema, Q extends TSchema, B extends TSchema>(
  route: OperatorRoute<P, Q, B>,
): AnyOperatorRoute {
  return route
}

/** Registers the route; every operation goes the same way: principal, parse, authorise, act, audit, reply. */
export function registerOperatorRoute(
  app: FastifyInstance,
  route: AnyOperatorRoute,
  services: OperatorServices,
): void {
  app.route({
    method: route.method,
    url: route.url,
    schema: {
      operationId: route.operationId,
      summary: route.summary,
      tags: [route.resource],
      ...(route.params ? { params: route.params } : {}),
      ...(route.query ? { querystring: route.query } : {}),
      ...(route.body ? { body: route.body } : {}),
      response: route.response,
    } satisfies OperationSchema,
    // Before the body is read: nobody unknown sends us 3 MiB (G4).
    async onRequest(request) {
      const operator = await services.operators.byTokenHash(hashSecret(bearerOf(request)))
      if (!operator) throw new IsthmusError('unauthenticated', 'Unauthorized')
      authorise(operator, route.access)
      operators.set(request, operator)
    },
    handler: (request, reply) => answer(request, reply, route, services),
  })
}

const operators = new WeakMap<FastifyRequest, OperatorPrincipal>()

function authorise(operator: OperatorPrincipal, access: Access): void {
  const { role } = operator
  const allowed =
    role === 'admin' ||
    (role === 'viewer' && (access === 'read' || access === 'read-all')) ||
    (role === 'tenant-admin' && (access === 'read' || access === 'tenant'))
  if (!allowed) throw new IsthmusError('forbidden', `The role ${role} may not do this.`)
}

async function answer(
  request: FastifyRequest,
  reply: FastifyReply,
  route: AnyOperatorRoute,
  services: OperatorServices,
): Promise<FastifyReply> {
  const operator = operators.get(request) as OperatorPrincipal
  const ifMatch = request.headers['if-match']
  const context: OperatorContext = {
    operator,
    scope: operator.tenantId,
    services,
    revision: revisionOf(ifMatch),
  }
  const input = { params: request.params, query: request.query, body: request.body }
  let done: OperatorAnswer = {}
  const work = async () => {
    done = await route.handle(input as never, context)
    if (route.method !== 'GET') await services.refreshDirectory()
    return { status: done.status ?? (done.body === undefined ? 204 : 200), body: done.body }
  }
  const record = (outcome: string) => {
    if (route.method === 'GET') return
    const { name, tenantId, nodeId } = done.subject ?? {}
    const verb = route.operationId
    const actor = `operator:${operator.name}`
    services.audit.record({
      requestId: request.id,
      actor,
      tenantId,
      nodeId,
      verb,
      resource: route.resource,
      name,
      outcome,
    })
  }
  try {
    const key = request.headers['idempotency-key']
    const outcome =
      route.method === 'POST' && typeof key === 'string'
        ? await once(
            services.idempotency,
            services.clock,
            { operatorId: operator.id, key, method: request.method, url: request.url, body: request.body },
            work,
          )
        : { ...(await work()), replayed: false }
    if (outcome.replayed) reply.header('idempotent-replayed', 'true')
    if (done.revision !== undefined) reply.header('etag', etagOf(done.revision))
    record(String(outcome.status))
    reply.code(outcome.status)
    return reply.send(
      done.secret ? { ...(outcome.body as object), ...done.secret } : (outcome.body ?? undefined),
    )
  } catch (error) {
    record(String(toIsthmusError(error).status))
    throw error
  }
}
