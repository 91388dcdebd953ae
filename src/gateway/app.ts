import type { FastifyInstance } from 'fastify'
import { makeServer } from './plugins/server.ts'
import { registerAgentFace } from './routes/agent/index.ts'
import { type HealthCheck, registerHealth } from './routes/health/index.ts'
import { createUpgradeHandler, type KubernetesFaceDeps, registerKubernetesFace } from './routes/kube/index.ts'
import { registerTokenFace } from './routes/token/issue.ts'
import type { Services } from './services.ts'

export interface PublicAppOptions {
  services: Services
  tls?: { cert: string; key: string }
  checks: readonly HealthCheck[]
}

/** The public listener: token, agent and Kubernetes face, in the order in which a newcomer meets them. */
export async function buildPublicApp({ services, tls, checks }: PublicAppOptions): Promise<FastifyInstance> {
  const { logger, metrics } = services
  const app = makeServer({ logger, tls, onAnswer: metrics.onAnswer('public') })
  registerHealth(app, checks)
  registerTokenFace(app, services)
  registerAgentFace(app, { ...services, quota: services.quotaAdmin })
  const face: KubernetesFaceDeps = {
    ...services,
    onLeak: (where) => metrics.leaks.inc({ where }),
  }
  await registerKubernetesFace(app, face)
  await app.ready()
  // Streams never pass Fastify: SPDY is no WebSocket, and both need the raw socket.
  const upgrade = createUpgradeHandler(face)
  app.server.on('upgrade', (request, socket, head) => void upgrade(request, socket, head))
  return app
}
