import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { IsthmusError, toIsthmusError, toStatus } from '../../../protocol/errors/index.ts'
import type { KubernetesFaceDeps } from './deps.ts'

/** Every error of this face is a metav1.Status; internal text is logged and never sent. */
export function registerErrors(scope: FastifyInstance, deps: Pick<KubernetesFaceDeps, 'logger'>): void {
  scope.setErrorHandler((cause: FastifyError | Error, request, reply) => {
    const error = fromFastify(cause)
    if (error.status >= 500) deps.logger.warn({ err: error, requestId: request.id }, 'a request failed')
    return sendError(reply, error)
  })
}

/** Sends a Status with the headers that belong to it. */
export function sendError(reply: FastifyReply, error: IsthmusError): FastifyReply {
  if (error.details.retryAfterSeconds !== undefined) {
    reply.header('retry-after', String(error.details.retryAfterSeconds))
  }
  if (error.code === 'unauthenticated') reply.header('www-authenticate', 'Bearer realm="isthmus"')
  return reply
    .code(error.status)
    .header('cache-control', 'no-cache, private')
    .header('content-type', 'application/json')
    .serializer((body: unknown) => JSON.stringify(body))
    .send(toStatus(error))
}

/** The resource is not served, in a real API server's words. */
export function notServed(request: FastifyRequest): IsthmusError {
  return new IsthmusError('not_found', 'the server could not find the requested resource', {
    cause: new Error(`no route for ${request.method}`),
  })
}

/** Fastify's own refusals by their codes. */
function fromFastify(cause: FastifyError | Error): IsthmusError {
  if (cause instanceof IsthmusError) return cause
  const { code, statusCode } = cause as FastifyError
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    return new IsthmusError('payload_too_large', 'the body of the request is larger than 3 MiB', { cause })
  }
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') {
    return new IsthmusError('unsupported_media_type', 'the body of the request was in an unknown format', {
      cause,
    })
  }
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return new IsthmusError('bad_request', 'the request is malformed', { cause })
  }
  return toIsthmusError(cause)
}
