import { IsthmusError } from '../../protocol/errors/index.ts'
import { ISSUER } from './auth/service-account-tokens.ts'
import type { ApiContext } from './context.ts'
import { aggregatedDiscovery, apiGroup, apiGroupList, apiResourceList, VERSION } from './discovery.ts'
import { noSuchPath } from './errors.ts'
import { parseAccept } from './negotiate.ts'
import { openapiDocument, openapiIndex, openapiV2 } from './openapi.ts'

/** An answer that is a document: JSON unless `text`. */
export interface DocumentAnswer {
  body: object | string
  contentType: string
  /** Aggregated discovery varies by Accept and has an entity tag. */
  tagged?: boolean
}

const AGGREGATED = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'

/** GET of what is no resource: discovery, version, health, OpenAPI, keys. @throws not_found. */
export function answerDocument(
  context: ApiContext,
  path: string,
  accept: string | undefined,
): DocumentAnswer {
  const json = (body: object): DocumentAnswer => ({ body, contentType: 'application/json' })
  switch (path) {
    case '/':
      return json({
        paths: ['/api', '/apis', '/healthz', '/livez', '/openapi/v2', '/openapi/v3', '/readyz', '/version'],
      })
    case '/healthz':
    case '/livez':
    case '/readyz':
      return { body: 'ok', contentType: 'text/plain; charset=utf-8' }
    case '/version':
      return json({ ...VERSION, gitCommit: '', gitTreeState: '', buildDate: '', goVersion: '', compiler: '' })
    case '/openapi/v2':
      if (!parseAccept(accept).some(({ type }) => type === 'application/json' || type === '*/*')) {
        throw new IsthmusError('not_acceptable', 'only application/json is served')
      }
      return json(openapiV2())
    case '/openapi/v3':
      return json(openapiIndex())
    case '/.well-known/openid-configuration':
      return json({
        issuer: ISSUER,
        jwks_uri: `${ISSUER}/openid/v1/jwks`,
        response_types_supported: ['id_token'],
        subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: ['ES256'],
      })
    case '/openid/v1/jwks':
      return { body: context.tokens.jwks, contentType: 'application/jwk-set+json' }
    case '/api':
    case '/apis':
      return discoveryRoot(path, accept)
  }
  const found = byPrefix(path)
  if (!found) throw noSuchPath()
  return json(found)
}

function byPrefix(path: string): object | undefined {
  if (path.startsWith('/openapi/v3/')) return openapiDocument(path.slice('/openapi/v3/'.length))
  if (path === '/api/v1') return apiResourceList('')
  const [, group, version, more] = /^\/apis\/([^/]+)(?:\/([^/]+))?(\/.*)?$/.exec(path) ?? []
  if (!group || more) return undefined
  if (!version) return apiGroup(group)
  return version === 'v1' ? apiResourceList(group) : undefined
}

function discoveryRoot(path: '/api' | '/apis', accept: string | undefined): DocumentAnswer {
  const wantsAggregated = parseAccept(accept).find(
    ({ type, parameters }) => type === 'application/json' && (!parameters['as'] || isAggregated(parameters)),
  )
  if (wantsAggregated?.parameters['as']) {
    const body = aggregatedDiscovery(path === '/api' ? 'api' : 'apis')
    return { body, contentType: AGGREGATED, tagged: true }
  }
  const body =
    path === '/api'
      ? { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] }
      : apiGroupList()
  return { body, contentType: 'application/json', tagged: true }
}

const isAggregated = (parameters: Record<string, string>) =>
  parameters['g'] === 'apidiscovery.k8s.io' &&
  parameters['v'] === 'v2' &&
  parameters['as'] === 'APIGroupDiscoveryList'
