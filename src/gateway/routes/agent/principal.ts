import type { FastifyInstance, FastifyRequest } from 'fastify'
import { IsthmusError } from '../../../protocol/errors/index.ts'
import { bearerOf } from '../../plugins/bearer.ts'
import type { Principal, TokenService } from '../../tokens/principal.ts'

const principals = new WeakMap<FastifyRequest, Principal>()

/** Authenticates every request of this scope before its body is read: nobody unknown sends us 3 MiB (G4). */
export function authenticateScope(scope: FastifyInstance, tokens: Pick<TokenService, 'verify'>): void {
  scope.addHook('onRequest', async (request) => {
    principals.set(request, await tokens.verify(bearerOf(request)))
  })
}

/** Who speaks. @throws unauthenticated for a route outside an authenticated scope, which is a mistake of ours */
export function principalOf(request: FastifyRequest): Principal {
  const principal = principals.get(request)
  if (!principal) throw new IsthmusError('unauthenticated', 'Unauthorized')
  return principal
}

/** What only the agent of a node does. @throws forbidden for a client's credential */
export function requireAgent(principal: Principal): void {
  if (principal.credentialKind !== 'agent') {
    throw new IsthmusError('forbidden', 'Only a credential of kind agent may do this.')
  }
}
