import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

/** The gateway's metrics. Labels are closed sets: never a path, pod, user or tenant (threat G14). */
export interface GatewayMetrics {
  registry: Registry
  onAnswer(
    listener: 'public' | 'operator',
  ): (request: FastifyRequest, status: number, seconds: number) => void
  /** A value that is read when it is scraped. */
  gauge(name: string, help: string, read: () => number): void
  /** Reservations that the reconciler had to repair, by what was wrong. */
  drift: Counter<'kind'>
  /** Physical names that only the last wall caught. */
  leaks: Counter<'where'>
  /** Requests refused by a limit, by which one. */
  limited: Counter<'limit'>
}

export function makeMetrics(): GatewayMetrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const registers = [registry]
  const seconds = new Histogram({
    name: 'isthmus_http_request_seconds',
    help: 'Time until an answer was sent, streams until their end.',
    labelNames: ['listener', 'method', 'code'] as const,
    buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60],
    registers,
  })
  return {
    registry,
    onAnswer: (listener) => (request, status, took) => {
      seconds.observe({ listener, method: request.method, code: `${Math.floor(status / 100)}xx` }, took)
    },
    gauge(name, help, read) {
      new Gauge({
        name,
        help,
        registers,
        collect() {
          this.set(read())
        },
      })
    },
    drift: new Counter({
      name: 'isthmus_quota_repairs_total',
      help: 'Repairs of the ledger by the reconciler.',
      labelNames: ['kind'] as const,
      registers,
    }),
    leaks: new Counter({
      name: 'isthmus_physical_names_caught_total',
      help: 'Physical names that the last wall had to replace in an answer.',
      labelNames: ['where'] as const,
      registers,
    }),
    limited: new Counter({
      name: 'isthmus_requests_limited_total',
      help: 'Requests refused because a client asked too much, by which limit.',
      labelNames: ['limit'] as const,
      registers,
    }),
  }
}

/** `GET /metrics`, on the operator listener alone. `authorise` throws for who may not. */
export function registerMetrics(
  app: FastifyInstance,
  registry: Registry,
  authorise: (request: FastifyRequest) => Promise<void>,
): void {
  app.get('/metrics', { onRequest: async (request) => authorise(request) }, async (_request, reply) =>
    reply.type(registry.contentType).send(await registry.metrics()),
  )
}
