import type { Principal } from '../../tokens/principal.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by the Kubernetes face's onRequest hook, before anything else runs. */
    principal: Principal | null
  }
}
