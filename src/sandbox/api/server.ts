import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import Fastify, { type FastifyReply, type FastifyRequest } from 'fastify'
import { IsthmusError, isIsthmusError, toIsthmusError, toStatus } from '../../protocol/errors/index.ts'
import type { Rbac } from './auth/rbac.ts'
import { decodeBody } from './body.ts'
import { makeCall } from './call.ts'
import type { ApiContext } from './context.ts'
import { entityTag } from './discovery.ts'
import { dispatch } from './dispatch.ts'
import { reviewOf } from './errors.ts'
import type { Fault } from './faults.ts'
import { refusePlainStream, streamLog } from './handlers/pod-streams.ts'
import { answerReview } from './handlers/reviews.ts'
import { watchObjects } from './handlers/watch.ts'
import { answerDocument } from './non-resource.ts'
import { type Prepared, prepare } from './prepare.ts'
import type { ResourceRequest } from './request-info.ts'
import { apiVersionOf } from './resources/definition.ts'
import { serveUpgrades } from './upgrades.ts'

/** A real API server takes 3 MiB. */
const BODY_MAX = 3 * 1024 * 1024
/** Go clients keep idle connections for 90 s: less here and their POSTs meet a closed one. */
const KEEP_ALIVE_MS = 120_000

export interface ApiServerOptions {
  context: ApiContext
  rbac: Rbac
  /** PEM: the server's certificate and key, and the CA whose client certificates are taken. */
  tls: { cert: string; key: string; ca: string }
  faults(watch: boolean): Promise<Fault>
  /** Ends watches when aborted. */
  shutdown: AbortSignal
}

/** The HTTPS server: one route, since the resource table says what there is. */
export function createApiServer(options: ApiServerOptions) {
  const { context, rbac, tls, shutdown } = options
  const prepared = new WeakMap<IncomingMessage, Prepared>()
  const app = Fastify({
    https: { ...tls, requestCert: true, rejectUnauthorized: false },
    bodyLimit: BODY_MAX,
    keepAliveTimeout: KEEP_ALIVE_MS,
    requestTimeout: 0,
    forceCloseConnections: true,
    exposeHeadRoutes: false,
    routerOptions: { maxParamLength: 5000, ignoreTrailingSlash: true },
    logger: false,
  })
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))

  app.addHook('onRequest', async (request, reply) => {
    reply.header('audit-id', randomUUID()).header('cache-control', 'no-cache, private')
    const ready = prepare(context, request.raw)
    prepared.set(request.raw, ready)
    if (!ready.info.isResource) return
    const fault = await options.faults(ready.info.verb === 'watch')
    if (fault === 'reset') {
      reply.hijack()
      request.raw.socket.destroy()
    } else if (fault === 'error') throw new IsthmusError('internal', 'an injected fault')
    else if (fault === 'gone') throw new IsthmusError('gone', 'an injected fault: too old resource version')
  })

  app.setErrorHandler((error, request, reply) => sendError(context, request, reply, error))
  app.setNotFoundHandler((_request, _reply) => {
    throw new IsthmusError('not_found', 'the server could not find the requested resource')
  })

  app.route({
    method: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
    url: '/*',
    async handler(request, reply) {
      const ready = prepared.get(request.raw)
      if (!ready) throw new IsthmusError('internal', 'the request was not prepared')
      const { info } = ready
      if (info.isResource)
        return handleResource(request, reply, ready as Prepared & { info: ResourceRequest })
      if (request.method !== 'GET') {
        throw new IsthmusError(
          'method_not_allowed',
          'the server does not allow this method on the requested resource',
        )
      }
      return sendDocument(context, request, reply, info.path)
    },
  })

  const handleResource = async (
    request: FastifyRequest,
    reply: FastifyReply,
    { info, query, user }: Prepared & { info: ResourceRequest },
  ) => {
    const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
    const review = reviewOf(info)
    if (review) {
      if (info.verb !== 'create') {
        throw new IsthmusError(
          'method_not_allowed',
          'the server does not allow this method on the requested resource',
        )
      }
      const decoded = decodeBody(
        request.headers['content-type'] ?? '',
        body,
        `${apiVersionOf(review)}/${review.kind}`,
      )
      const answer = answerReview(context, rbac, {
        definition: review,
        user,
        namespace: info.namespace,
        body: decoded,
      })
      return reply.code(answer.status).type('application/json').send(JSON.stringify(answer.body))
    }
    const call = makeCall(request.raw, info, query, user, body, shutdown)
    if (info.resource === 'pods' && ['exec', 'attach', 'portforward'].includes(info.subresource)) {
      refusePlainStream(context, call)
    }
    if (info.resource === 'pods' && info.subresource === 'log' && info.verb === 'get') {
      await streamLog(context, call, reply.raw)
      return reply.hijack()
    }
    if (info.verb === 'watch') {
      watchObjects(context, call, reply.raw, shutdown)
      return reply.hijack()
    }
    const answer = dispatch(context, call)
    if (call.warnings.length > 0) reply.header('warning', call.warnings.map(warning))
    return reply.code(answer.status).type('application/json').send(JSON.stringify(answer.body))
  }

  serveUpgrades(app.server, context)
  return app
}

const warning = (text: string) => `299 - ${JSON.stringify(text)}`

function sendDocument(context: ApiContext, request: FastifyRequest, reply: FastifyReply, path: string) {
  const answer = answerDocument(
    context,
    path.length > 1 ? path.replace(/\/$/, '') : path,
    request.headers.accept,
  )
  const text = typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body)
  if (answer.tagged) {
    const tag = entityTag(text)
    reply.header('vary', 'Accept').header('etag', tag).header('cache-control', 'public')
    if (request.headers['if-none-match'] === tag) return reply.code(304).send()
  }
  // Written as it is: Fastify would put quotes around the parameters of aggregated discovery.
  reply.hijack()
  reply.raw.writeHead(200, { ...headersOf(reply), 'content-type': answer.contentType })
  reply.raw.end(text)
  return reply
}

function headersOf(reply: FastifyReply): Record<string, string> {
  return Object.fromEntries(Object.entries(reply.getHeaders()).map(([name, value]) => [name, String(value)]))
}

function sendError(context: ApiContext, request: FastifyRequest, reply: FastifyReply, error: unknown): void {
  const fault = fromFastify(error)
  if (fault.code === 'internal') {
    context.logger.error(
      { err: fault.cause ?? fault, method: request.method, url: request.url },
      'request failed',
    )
  }
  if (reply.raw.headersSent) {
    reply.raw.destroy()
    return
  }
  if (fault.details.retryAfterSeconds !== undefined)
    reply.header('retry-after', fault.details.retryAfterSeconds)
  reply
    .code(fault.status)
    .type('application/json')
    .send(JSON.stringify(toStatus(fault)))
}

function fromFastify(error: unknown): IsthmusError {
  if (isIsthmusError(error)) return error
  const { statusCode } = error as { statusCode?: number }
  if (statusCode === 413) {
    return new IsthmusError('payload_too_large', `Request entity too large: limit is ${BODY_MAX}`, {
      cause: error,
    })
  }
  if (statusCode === 415)
    return new IsthmusError('unsupported_media_type', 'unsupported media type', { cause: error })
  if (statusCode === 400) return new IsthmusError('bad_request', 'the request is malformed', { cause: error })
  return toIsthmusError(error)
}
