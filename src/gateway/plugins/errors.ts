import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import type { Logger } from '../../lib/logger.ts'
import {
  type ErrorCode,
  type FieldFault,
  IsthmusError,
  toIsthmusError,
  toProblem,
  toStatus,
} from '../../protocol/errors/index.ts'

/** The Kubernetes face answers errors as metav1.Status, everything else as problem details (RFC 9457). */
const KUBERNETES_FACE = /^\/(api|apis|openapi|version)(\/|\?|$)/

/** Of Fastify's own errors, those that are the client's. Anything else of it is ours. */
const FASTIFY_CODES: Record<string, ErrorCode> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'payload_too_large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported_media_type',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'bad_request',
  FST_ERR_CTP_INVALID_JSON_BODY: 'bad_request',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'bad_request',
  FST_ERR_CTP_EMPTY_TYPE: 'unsupported_media_type',
  FST_ERR_BAD_URL: 'bad_request',
  FST_ERR_MAX_PARAM_LENGTH: 'not_found',
  FST_ERR_ASYNC_CONSTRAINT: 'bad_request',
}

const TEXTS: Partial<Record<ErrorCode, string>> = {
  payload_too_large: 'The body is larger than 3 MiB.',
  unsupported_media_type: 'The body’s media type is not taken here.',
  bad_request: 'The request can not be read.',
  not_found: 'There is nothing here.',
}

export const notFound = () => new IsthmusError('not_found', 'There is nothing here.')

/** The one place that turns a thrown value into an answer. Causes are logged, never sent. */
export function answerError(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  logger: Logger,
): FastifyReply {
  const known = translate(error)
  if (known.status >= 500) {
    const fields = { err: known.cause ?? known, code: known.code, requestId: request.id }
    if (known.code === 'internal') logger.error(fields, known.message)
    else logger.warn(fields, known.message)
  }
  const { retryAfterSeconds } = known.details
  if (retryAfterSeconds !== undefined) reply.header('retry-after', retryAfterSeconds)
  if (known.code === 'unauthenticated') reply.header('www-authenticate', 'Bearer realm="isthmus"')
  reply.code(known.status)
  if (KUBERNETES_FACE.test(request.url)) {
    return reply.header('content-type', 'application/json').serializer(JSON.stringify).send(toStatus(known))
  }
  return reply
    .header('content-type', 'application/problem+json')
    .serializer(JSON.stringify)
    .send(toProblem(known, request.id))
}

function translate(error: unknown): IsthmusError {
  const { validation, validationContext, code, statusCode } = error as Partial<FastifyError>
  if (validation) {
    // A property too many is told twice: by its own schema, which is `false`, and by the object's.
    const told = validation.filter((fault) => fault.message !== 'schema is false')
    const causes = told.map(
      (fault): FieldFault => ({
        field: fieldOf(fault.instancePath, fault.params),
        reason: 'FieldValueInvalid',
        message: fault.message ?? 'is invalid',
      }),
    )
    const text = causes.map((cause) => `${cause.field || 'body'} ${cause.message}`).join('; ')
    if (validationContext === 'querystring' && causes.some((c) => /additional/.test(c.message))) {
      return new IsthmusError('unknown_parameter', text, { causes, cause: error })
    }
    return new IsthmusError(validationContext === 'body' ? 'invalid' : 'bad_request', text, {
      causes,
      cause: error,
    })
  }
  const known = code === undefined ? undefined : FASTIFY_CODES[code]
  // A body that is no JSON reaches us as a SyntaxError with statusCode 400.
  const public_ = known ?? (error instanceof SyntaxError && statusCode === 400 ? 'bad_request' : undefined)
  if (public_) return new IsthmusError(public_, TEXTS[public_] ?? '', { cause: error })
  return toIsthmusError(error)
}

function fieldOf(instancePath: string, params: Record<string, unknown> | undefined): string {
  const path = instancePath.replace(/^\//, '').replaceAll('/', '.')
  const extra =
    params?.['additionalProperties'] ?? params?.['requiredProperties'] ?? params?.['missingProperty']
  const name = Array.isArray(extra) ? extra[0] : extra
  return typeof name === 'string' ? [path, name].filter(Boolean).join('.') : path
}
