import type { IncomingMessage } from 'node:http'
import type { TLSSocket } from 'node:tls'
import { IsthmusError } from '../../../protocol/errors/index.ts'
import type { UserInfo } from '../errors.ts'

/** A token that the operator of the sandbox gave out. */
export interface StaticToken {
  token: string
  user: string
  groups: readonly string[]
}

const ANONYMOUS: UserInfo = { username: 'system:anonymous', groups: ['system:unauthenticated'] }
const PROTOCOL_PREFIX = 'base64url.bearer.authorization.k8s.io.'

/**
 * Who sends a request: a client certificate of the sandbox's CA, a bearer token (also as a WebSocket subprotocol, which
 * is taken out of the header), or nobody. @throws unauthenticated for a token that is not known.
 */
export function authenticate(
  request: IncomingMessage,
  authenticateToken: (token: string) => UserInfo | undefined,
): UserInfo {
  const token = bearerToken(request)
  if (token !== undefined) {
    const user = authenticateToken(token)
    if (!user) throw new IsthmusError('unauthenticated', 'Unauthorized')
    return user
  }
  return certificateUser(request.socket as TLSSocket) ?? ANONYMOUS
}

function bearerToken(request: IncomingMessage): string | undefined {
  const { authorization } = request.headers
  if (authorization !== undefined) {
    const match = /^Bearer +(\S+)$/i.exec(authorization)
    if (!match) throw new IsthmusError('unauthenticated', 'Unauthorized')
    return match[1]
  }
  const offered = request.headers['sec-websocket-protocol']
  if (!offered) return undefined
  const protocols = offered.split(',').map((protocol) => protocol.trim())
  const carrier = protocols.find((protocol) => protocol.startsWith(PROTOCOL_PREFIX))
  if (!carrier) return undefined
  request.headers['sec-websocket-protocol'] = protocols.filter((protocol) => protocol !== carrier).join(', ')
  return Buffer.from(carrier.slice(PROTOCOL_PREFIX.length), 'base64url').toString()
}

function certificateUser(socket: TLSSocket): UserInfo | undefined {
  if (!socket.authorized || typeof socket.getPeerCertificate !== 'function') return undefined
  const subject = socket.getPeerCertificate().subject as
    | { CN?: string | string[]; O?: string | string[] }
    | undefined
  const username = [subject?.CN ?? []].flat()[0]
  if (!username) return undefined
  return { username, groups: [...[subject?.O ?? []].flat(), 'system:authenticated'] }
}

/** Looks tokens up: those of the operator first, then ServiceAccounts'. */
export function createTokenAuthenticator(
  tokens: readonly StaticToken[],
  reviewServiceAccount: (token: string) => UserInfo | undefined,
): { authenticateToken(token: string): UserInfo | undefined; add(token: StaticToken): void } {
  const known = new Map(tokens.map((entry) => [entry.token, entry]))
  return {
    add: (token) => void known.set(token.token, token),
    authenticateToken(token) {
      const entry = known.get(token)
      if (entry) return { username: entry.user, groups: [...entry.groups, 'system:authenticated'] }
      return token.includes('.') ? reviewServiceAccount(token) : undefined
    },
  }
}
