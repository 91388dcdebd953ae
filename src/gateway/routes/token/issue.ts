import type { FastifyInstance, FastifyReply } from 'fastify'
import Type from 'typebox'
import { type IsthmusError, isIsthmusError } from '../../../protocol/errors/index.ts'
import type { AuditLog } from '../../audit/index.ts'
import type { Limits } from '../../limits/index.ts'
import { operation } from '../../plugins/schema-types.ts'
import type { TokenService } from '../../tokens/principal.ts'

export interface TokenFaceDeps {
  tokens: TokenService
  audit: AuditLog
  limits: Pick<Limits, 'token' | 'tokenFailed'>
}

/** A form of ours has four short fields. */
const FORM_LIMIT = 16 * 1024

const issueSchema = operation({
  operationId: 'issueToken',
  summary: 'RFC 6749 client credentials, as a form; the client by HTTP Basic or in the body',
  tags: ['token'],
  response: {
    200: Type.Object({
      access_token: Type.String(),
      token_type: Type.Literal('Bearer'),
      expires_in: Type.Integer({ description: 'Seconds.' }),
    }),
    default: Type.Object({ error: Type.String(), error_description: Type.String() }),
  },
})

const jwksSchema = operation({
  operationId: 'getKeys',
  summary: 'The public signing keys (RFC 7517)',
  tags: ['token'],
  response: {
    200: Type.Object({ keys: Type.Array(Type.Record(Type.String(), Type.Unknown())) }),
  },
})

type OAuthError = 'invalid_request' | 'invalid_client' | 'unsupported_grant_type'

/** The token face: client credentials (RFC 6749 §4.4) and the key set (RFC 7517). */
export function registerTokenFace(app: FastifyInstance, deps: TokenFaceDeps): void {
  app.register(async (scope) => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser(
      'application/x-www-form-urlencoded',
      { parseAs: 'string', bodyLimit: FORM_LIMIT },
      (_request, body, done) => done(null, new URLSearchParams(body as string)),
    )
    scope.post('/oauth/token', { schema: issueSchema }, async (request, reply) => {
      // RFC 6749 §5.1: no copy of a token is kept on the way.
      reply.header('cache-control', 'no-store').header('pragma', 'no-cache')
      if (request.url.includes('?'))
        return refuse(reply, 'invalid_request', 'Parameters belong into the body.')
      const form = request.body instanceof URLSearchParams ? request.body : new URLSearchParams()
      if (new Set(form.keys()).size !== form.size)
        return refuse(reply, 'invalid_request', 'A parameter is repeated.')
      const grant = form.get('grant_type')
      if (grant === null) return refuse(reply, 'invalid_request', 'grant_type is missing.')
      if (grant !== 'client_credentials')
        return refuse(reply, 'unsupported_grant_type', 'Only client_credentials.')
      const client = clientOf(request.headers.authorization, form)
      if (client === undefined)
        return refuse(reply, 'invalid_client', 'Client authentication is missing.', true)
      try {
        deps.limits.token(request.ip, client.id)
      } catch (error) {
        // Not audited: a flood would fill the log with itself; the counter of refusals tells.
        if (isIsthmusError(error, 'too_many_requests')) return later(reply, 429, error)
        throw error
      }
      try {
        const token = await deps.tokens.issue(client.id, client.secret)
        return await reply.send({
          access_token: token.accessToken,
          token_type: 'Bearer',
          expires_in: token.expiresIn,
        })
      } catch (error) {
        const outcome = isIsthmusError(error) ? error.code : 'internal'
        const actor = `credential:${client.id.slice(0, 64)}`
        deps.audit.record({ requestId: request.id, actor, verb: 'issue', resource: 'tokens', outcome })
        if (isIsthmusError(error, 'unauthenticated')) {
          deps.limits.tokenFailed(request.ip, client.id)
          return refuse(
            reply,
            'invalid_client',
            'The client is unknown or its secret is wrong.',
            client.basic,
          )
        }
        if (isIsthmusError(error, 'suspended')) {
          return reply.code(403).send({ error: 'access_denied', error_description: error.message })
        }
        if (isIsthmusError(error, 'unavailable')) return later(reply, 503, error)
        throw error
      }
    })
  })

  app.get('/.well-known/jwks.json', { schema: jwksSchema }, async (_request, reply) => {
    reply.header('cache-control', 'public, max-age=60')
    return deps.tokens.jwks()
  })
}

function later(reply: FastifyReply, status: number, error: IsthmusError): FastifyReply {
  reply.header('retry-after', error.details.retryAfterSeconds ?? 1).code(status)
  return reply.send({ error: 'temporarily_unavailable', error_description: error.message })
}

/** RFC 6749 §5.2; 401 with a challenge for a client that tried by the Authorization header. */
function refuse(reply: FastifyReply, error: OAuthError, text: string, challenge = false): FastifyReply {
  if (challenge) reply.header('www-authenticate', 'Basic realm="isthmus"')
  reply.code(error === 'invalid_client' ? 401 : 400)
  return reply.send({ error, error_description: text })
}

/** By HTTP Basic (form-encoded inside, §2.3.1) or in the body; both at once is a client's fault and counts as none. */
function clientOf(header: string | undefined, form: URLSearchParams) {
  const inBody = { id: form.get('client_id'), secret: form.get('client_secret') }
  if (header === undefined) {
    return inBody.id !== null && inBody.secret !== null
      ? { id: inBody.id, secret: inBody.secret, basic: false }
      : undefined
  }
  const match = /^Basic ([A-Za-z0-9+/=]+)$/i.exec(header)
  if (!match || inBody.secret !== null) return undefined
  const text = Buffer.from(match[1] as string, 'base64').toString('utf8')
  const colon = text.indexOf(':')
  if (colon < 0) return undefined
  try {
    const decode = (part: string) => decodeURIComponent(part.replaceAll('+', ' '))
    return { id: decode(text.slice(0, colon)), secret: decode(text.slice(colon + 1)), basic: true }
  } catch {
    return undefined // a stray %: no client of ours
  }
}
