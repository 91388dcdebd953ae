import type { FastifyRequest } from 'fastify'
import { IsthmusError } from '../../protocol/errors/index.ts'

const SUBPROTOCOL = 'base64url.bearer.authorization.k8s.io.'

/**
 * The bearer token of a request: from `Authorization`, or from `Sec-WebSocket-Protocol` as Kubernetes does it for
 * clients that can set no header. Never from the URL: a token there is refused, since it would be in logs (D5).
 * @throws IsthmusError unauthenticated, bad_request
 */
export function bearerOf(request: Pick<FastifyRequest, 'headers' | 'url'>): string {
  if (/[?&](access_token|token)=/i.test(request.url)) {
    throw new IsthmusError('bad_request', 'Tokens do not belong into the URL.')
  }
  const header = request.headers.authorization
  const match = header === undefined ? null : /^Bearer ([^\s,]+)$/i.exec(header)
  if (match) return match[1] as string
  if (header === undefined) {
    const protocols = String(request.headers['sec-websocket-protocol'] ?? '').split(/\s*,\s*/)
    const found = protocols.find((protocol) => protocol.startsWith(SUBPROTOCOL))
    if (found) return Buffer.from(found.slice(SUBPROTOCOL.length), 'base64url').toString('utf8')
  }
  throw new IsthmusError('unauthenticated', 'Unauthorized')
}
