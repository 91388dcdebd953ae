import { randomUUID } from 'node:crypto'
import { TypeBoxValidatorCompiler } from '@fastify/type-provider-typebox'
import fastify, { type FastifyInstance, type FastifyRequest } from 'fastify'
import type { Logger } from '../../lib/logger.ts'
import { answerError, notFound } from './errors.ts'

/** What both listeners have in common. */
export interface ServerOptions {
  logger: Logger
  /** PEM certificate and key; plain HTTP without. */
  tls?: { cert: string; key: string }
  /** Called after each answer, for metrics. */
  onAnswer?(request: FastifyRequest, status: number, seconds: number): void
}

/** Kubernetes takes 3 MiB; a Secret of 1 MiB is 1.4 MiB in base64 (kubernetes-face.md 5). */
const BODY_LIMIT = 3 * 1024 * 1024
/** Go clients keep idle connections 90 s; closing earlier makes their next POST meet EOF (kubernetes-face.md 3). */
const KEEP_ALIVE_MS = 100_000
/** A name has 253 characters, percent-encoded up to three times as many; longer is a 414 of Fastify's. */
const PARAM_LENGTH_MAX = 1_024
/** To receive a whole request, slow senders included (G7). Streams and watches are answers, not requests. */
const REQUEST_TIMEOUT_MS = 60_000

/**
 * A Fastify server whose defaults are an API server's (kubernetes-face.md 5): bodies are neither coerced nor stripped,
 * forwarded headers are not believed (A12), each request has an id of ours that is also on the reply.
 */
export function makeServer(options: ServerOptions): FastifyInstance {
  const { logger } = options
  const app = fastify({
    ...(options.tls ? { https: { ...options.tls, minVersion: 'TLSv1.2' } } : {}),
    logger: false,
    trustProxy: false,
    requestIdHeader: false,
    genReqId: () => randomUUID(),
    bodyLimit: BODY_LIMIT,
    keepAliveTimeout: KEEP_ALIVE_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    routerOptions: { maxParamLength: PARAM_LENGTH_MAX },
    // Idle ones at once; whoever closes decides how long the others may take.
    forceCloseConnections: 'idle',
    exposeHeadRoutes: false,
    return503OnClosing: true,
    frameworkErrors: (error, request, reply) => {
      void answerError(error, request, reply, logger)
    },
  }) as unknown as FastifyInstance

  // JSON is all that the REST faces take; the others bring their own parsers.
  app.removeContentTypeParser('text/plain')
  app.setValidatorCompiler(TypeBoxValidatorCompiler)
  app.setErrorHandler((error, request, reply) => answerError(error, request, reply, logger))
  app.setNotFoundHandler((request, reply) => answerError(notFound(), request, reply, logger))
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id)
    reply.header('x-content-type-options', 'nosniff')
  })
  app.addHook('onResponse', async (request, reply) => {
    const seconds = reply.elapsedTime / 1000
    options.onAnswer?.(request, reply.statusCode, seconds)
    // The path without its query, which may hold what is not ours to log (D5).
    const fields = {
      requestId: request.id,
      method: request.method,
      path: request.url.split('?', 1)[0],
      status: reply.statusCode,
      ms: Math.round(reply.elapsedTime),
    }
    if (reply.statusCode >= 500) logger.warn(fields, 'request')
    else logger.debug(fields, 'request')
  })
  return app
}
