import type { FastifyInstance } from 'fastify'
import { makeItemMemory } from '../../kubernetes/known-items.ts'
import { authenticate } from './authenticate.ts'
import { MAX_BODY_BYTES } from './body.ts'
import { createCutOffs } from './cut-offs.ts'
import type { KubernetesFaceDeps } from './deps.ts'
import { registerErrors } from './errors.ts'
import { registerDiscovery } from './meta/discovery.ts'
import { registerOpenApi } from './meta/openapi.ts'
import { registerRoutes } from './routes.ts'

/** Enough for some 2,000 pods; rendered they take about the same in memory, rows of tables some three times as much. */
const REMEMBERED_BYTES = 6 * 1024 * 1024
const FORGOTTEN_MS = 5 * 60_000

export type { KubernetesFaceDeps } from './deps.ts'
export { createUpgradeHandler } from './upgrades/index.ts'

/**
 * The Kubernetes face as a fastify plugin: discovery, `/version`, and a route for each verb of each resource in
 * kubernetes/resources.ts; everything else below `/api`, `/apis` and `/openapi` is 404. Exec, attach and
 * port-forward come by the server's `upgrade` event: see streams/.
 */
export async function registerKubernetesFace(
  fastify: FastifyInstance,
  deps: KubernetesFaceDeps,
): Promise<void> {
  const cutOffs = createCutOffs(deps.directory)
  const { elapsed } = deps.clock
  const items = makeItemMemory({ maxBytes: REMEMBERED_BYTES, idleMs: FORGOTTEN_MS, elapsed })
  await fastify.register(async (scope) => {
    scope.removeAllContentTypeParsers()
    // Bodies are read as bytes: what is JSON, protobuf or a patch is each operation's to say.
    scope.addContentTypeParser(
      '*',
      { parseAs: 'buffer', bodyLimit: MAX_BODY_BYTES },
      (_request, body, done) => done(null, body),
    )
    scope.addHook('onClose', async () => cutOffs.close())
    scope.decorateRequest('principal', null)
    scope.addHook('onRequest', async (request, reply) => {
      request.principal = await authenticate(deps.tokens, request.headers)
      // Before the body is read; free again when the answer has ended, however it does (a watch's, too).
      const free = deps.limits.kube(request.principal.tenantId)
      reply.raw.once('close', free)
      if (reply.raw.destroyed) free()
    })
    registerErrors(scope, deps)
    registerDiscovery(scope)
    registerOpenApi(scope)
    registerRoutes(scope, { items, ...deps }, cutOffs)
  })
}
