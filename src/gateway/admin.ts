import { timingSafeEqual } from 'node:crypto'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { IsthmusError } from '../protocol/errors/index.ts'
import { hashSecret } from './credentials/index.ts'
import { bearerOf } from './plugins/bearer.ts'
import { registerMetrics } from './plugins/metrics.ts'
import { makeServer } from './plugins/server.ts'
import { type HealthCheck, registerHealth } from './routes/health/index.ts'
import { registerOperatorFace } from './routes/operator/index.ts'
import type { Services } from './services.ts'

export interface OperatorAppOptions {
  services: Services
  tls?: { cert: string; key: string }
  checks: readonly HealthCheck[]
}

/** The operator listener: operator face and metrics. */
export async function buildOperatorApp({
  services,
  tls,
  checks,
}: OperatorAppOptions): Promise<FastifyInstance> {
  const { logger, metrics, directory } = services
  const app = makeServer({ logger, tls, onAnswer: metrics.onAnswer('operator') })
  registerHealth(app, checks)
  registerMetrics(app, metrics.registry, (request) => authoriseMetrics(request, services))
  registerOperatorFace(app, {
    ...services,
    quota: services.quotaAdmin,
    // What was asked for is done; a copy that can not be refreshed at this moment follows by itself.
    refreshDirectory: () =>
      directory.refresh().catch((error) => logger.debug({ err: error }, 'the directory follows later')),
  })
  await app.ready()
  return app
}

/** By the scraper's own token, or by that of an operator who may see all tenants. */
async function authoriseMetrics(request: FastifyRequest, { config, operators }: Services): Promise<void> {
  const hash = hashSecret(bearerOf(request))
  if (config.metricsToken !== undefined && timingSafeEqual(hash, hashSecret(config.metricsToken))) return
  const operator = await operators.byTokenHash(hash)
  if (!operator) throw new IsthmusError('unauthenticated', 'Unauthorized')
  if (operator.role === 'tenant-admin') throw new IsthmusError('forbidden', 'The token may not read metrics.')
}
