import type { IncomingHttpHeaders } from 'node:http'
import { IsthmusError } from '../../../protocol/errors/index.ts'
import { parseBearerSubprotocol } from '../../../protocol/streams/index.ts'
import type { Principal, TokenService } from '../../tokens/principal.ts'

/**
 * Who speaks, from the bearer token alone (`Authorization`, or a WebSocket's subprotocol; never the URL).
 * @throws IsthmusError unauthenticated, suspended, unavailable
 */
export async function authenticate(
  tokens: Pick<TokenService, 'verify'>,
  headers: IncomingHttpHeaders,
): Promise<Principal> {
  const token = bearer(headers)
  if (token === undefined || token === '') throw new IsthmusError('unauthenticated', 'Unauthorized')
  const principal = await tokens.verify(token)
  assertWhole(principal)
  return principal
}

/** A principal with a part missing would select by nothing: it is no principal (A6). */
function assertWhole(principal: Principal): void {
  const parts = [
    principal.tenantId,
    principal.nodeId,
    principal.nodeName,
    principal.clusterId,
    principal.credentialId,
  ]
  if (parts.every((part) => typeof part === 'string' && part.trim() !== '')) return
  throw new IsthmusError('unauthenticated', 'Unauthorized')
}

function bearer(headers: IncomingHttpHeaders): string | undefined {
  const { authorization } = headers
  const fromProtocol = parseBearerSubprotocol(headers['sec-websocket-protocol']).token
  if (authorization === undefined) return fromProtocol
  // Two credentials are one too many: which of them counts must not be a matter of taste.
  if (fromProtocol !== undefined) return undefined
  return /^Bearer ([A-Za-z0-9._~+/=-]{1,8192})$/i.exec(authorization)?.[1]
}
