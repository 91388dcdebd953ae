import type { FastifyRequest } from 'fastify'
import { IsthmusError } from '../../../protocol/errors/index.ts'
import { bearerOf } from '../../plugins/bearer.ts'
import type { Principal, TokenService } from '../../tokens/principal.ts'

/** Who speaks. @throws unauthenticated, suspended, unavailable */
export async function principalOf(
  tokens: Pick<TokenService, 'verify'>,
  request: Pick<FastifyRequest, 'headers' | 'url'>,
): Promise<Principal> {
  return tokens.verify(bearerOf(request))
}

/** What only the agent of a node does. @throws forbidden for a client's credential */
export function requireAgent(principal: Principal): void {
  if (principal.credentialKind !== 'agent') {
    throw new IsthmusError('forbidden', 'Only a credential of kind agent may do this.')
  }
}
