import type { FastifyInstance } from 'fastify'
import { IsthmusError } from '../../../../protocol/errors/index.ts'
import { acceptsJson, openApiV2Form } from '../../../kubernetes/accept.ts'
import { openApiDocument, openApiIndex } from '../../../kubernetes/openapi-documents.ts'
import { openApiV2 } from '../../../kubernetes/openapi-v2.ts'
import { notServed } from '../errors.ts'

/** What Kubernetes' API servers answer under; clients ask with an `@` that media types do not allow. */
const V2_PROTOBUF_TYPE = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf'

/**
 * `/openapi/v2` whole, as JSON or protobuf; `/openapi/v3` and its documents: with the right hash in the URL they may
 * be kept for ever, as upstream's.
 */
export function registerOpenApi(scope: FastifyInstance): void {
  scope.get('/openapi/v2', async (request, reply) => {
    const json = openApiV2Form(request.headers.accept) === 'json'
    const document = await openApiV2()
    const etag = `"${json ? document.jsonHash : document.protobufHash}"`
    reply.header('etag', etag).header('vary', 'Accept').header('cache-control', 'no-cache, private')
    if (request.headers['if-none-match'] === etag) return reply.code(304).send()
    reply.type(json ? 'application/json' : V2_PROTOBUF_TYPE)
    return reply.send(json ? document.json : document.protobuf)
  })
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
