import type { FastifyInstance } from 'fastify'
import { IsthmusError } from '../../../../protocol/errors/index.ts'
import { acceptsJson } from '../../../kubernetes/accept.ts'
import { openApiDocument, openApiIndex } from '../../../kubernetes/openapi-documents.ts'
import { notServed } from '../errors.ts'

/** `/openapi/v3` and its documents; with the right hash in the URL they may be kept for ever, as upstream's. */
export function registerOpenApi(scope: FastifyInstance): void {
  scope.get('/openapi/v3', (_request, reply) =>
    reply.type('application/json').send(JSON.stringify(openApiIndex())),
  )
  scope.get('/openapi/v3/*', (request, reply) => {
    const document = openApiDocument((request.params as { '*': string })['*'])
    if (document === undefined) throw notServed(request)
    if (!acceptsJson(request.headers.accept)) {
      throw new IsthmusError('not_acceptable', 'only application/json is served here')
    }
    const etag = `"${document.hash}"`
    const asked = new URLSearchParams(request.url.split('?')[1] ?? '').get('hash')
    if (asked !== null && asked !== document.hash) {
      return reply.redirect(`${request.url.split('?')[0]}?hash=${document.hash}`, 301)
    }
    reply.header('etag', etag).header('vary', 'Accept')
    reply.header('cache-control', asked === null ? 'no-cache, private' : 'public, immutable')
    if (request.headers['if-none-match'] === etag) return reply.code(304).send()
    return reply.type('application/json').send(document.text)
  })
}
