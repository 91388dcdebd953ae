import type { FastifyInstance } from 'fastify'

/** One thing that must be well. */
export interface HealthCheck {
  name: string
  /** `degraded` is told, and ready all the same. Never throws. */
  check(): Promise<'ok' | 'degraded' | 'failed'> | 'ok' | 'degraded' | 'failed'
}

/**
 * `/livez`: the process answers. `/readyz`: whether to send requests here, with the check that fails by name.
 * Both without identity, and they tell of nothing but this replica (threat A11).
 */
export function registerHealth(app: FastifyInstance, checks: readonly HealthCheck[]): void {
  app.get('/livez', async (_request, reply) => reply.type('text/plain').send('ok'))
  app.get('/readyz', async (_request, reply) => {
    const results = await Promise.all(checks.map(async ({ name, check }) => ({ name, state: await check() })))
    const failed = results.some(({ state }) => state === 'failed')
    const lines = results.map(({ name, state }) => `[${state === 'failed' ? '-' : '+'}]${name} ${state}`)
    const verdict = failed ? 'failed' : results.some(({ state }) => state === 'degraded') ? 'degraded' : 'ok'
    return reply
      .code(failed ? 503 : 200)
      .type('text/plain')
      .send(`${lines.join('\n')}\nreadyz ${verdict}\n`)
  })
}
