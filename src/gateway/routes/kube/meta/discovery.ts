import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { IsthmusError } from '../../../../protocol/errors/index.ts'
import { acceptsJson, wantsAggregated } from '../../../kubernetes/accept.ts'
import {
  AGGREGATED_TYPE,
  aggregatedDiscovery,
  classicDiscovery,
  type DiscoveryDocument,
} from '../../../kubernetes/discovery.ts'
import { versionInfo } from './version.ts'

/** Discovery, classic and aggregated, and `/version` (rule 23). */
export function registerDiscovery(scope: FastifyInstance): void {
  for (const [path, classic] of classicDiscovery) {
    scope.get(path, (request, reply) => {
      const aggregated = aggregatedDiscovery.get(path)
      if (aggregated !== undefined && wantsAggregated(request.headers.accept)) {
        return send(request, reply, aggregated, AGGREGATED_TYPE)
      }
      return send(request, reply, classic, 'application/json')
    })
  }
  scope.get('/version', (_request, reply) => reply.type('application/json').send(JSON.stringify(versionInfo)))
}

function send(request: FastifyRequest, reply: FastifyReply, document: DiscoveryDocument, type: string) {
  if (!acceptsJson(request.headers.accept))
    throw new IsthmusError('not_acceptable', 'only application/json is served here')
  reply.header('etag', document.etag).header('vary', 'Accept').header('cache-control', 'public')
  if (request.headers['if-none-match'] === document.etag) return reply.code(304).send()
  // The header is written as it stands: fastify would add a charset, and clients compare the whole string.
  reply.raw.setHeader('content-type', type)
  return reply
    .serializer((text: string) => text)
    .header('content-type', type)
    .send(document.body)
}
