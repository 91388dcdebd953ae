import { IsthmusError } from '../../protocol/errors/index.ts'
import { parseFieldTerms } from '../store/field-selector.ts'

/** The verbs that authorization knows. */
export type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete' | 'deletecollection'

/** What a request is about (apiserver request.RequestInfo). */
export type RequestInfo = ResourceRequest | NonResourceRequest

export interface ResourceRequest {
  isResource: true
  verb: Verb
  group: string
  version: string
  /** The plural. */
  resource: string
  /** Empty when there is none. */
  subresource: string
  /** Empty for cluster-wide requests. */
  namespace: string
  /** Empty for collections. */
  name: string
  path: string
}

export interface NonResourceRequest {
  isResource: false
  /** The method in lower case. */
  verb: string
  path: string
}

const verbs: Record<string, Verb> = {
  POST: 'create',
  GET: 'get',
  HEAD: 'get',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
}

/** Parses method, path and query; a path that is not of the API is a non-resource request. @throws bad_request. */
export function parseRequestInfo(method: string, path: string, query: URLSearchParams): RequestInfo {
  const other: NonResourceRequest = { isResource: false, verb: method.toLowerCase(), path }
  const segments = decodeSegments(path)
  const [root, ...afterRoot] = segments
  if (root !== 'api' && root !== 'apis') return other
  const group = root === 'api' ? '' : (afterRoot.shift() ?? '')
  const version = afterRoot.shift()
  const rest = afterRoot
  if (!version || rest.length === 0) return other
  let namespace = ''
  let [resource = '', name = '', subresource = ''] = rest
  let depth = rest.length
  if (resource === 'namespaces' && rest.length > 1) {
    namespace = name
    // `/namespaces/x`, `/namespaces/x/status` and `/finalize` are the namespace itself; the rest lies in it.
    if (rest.length > 2 && subresource !== 'status' && subresource !== 'finalize') {
      ;[resource = '', name = '', subresource = ''] = rest.slice(2)
      depth = rest.length - 2
    }
  }
  if (depth > 3) return other
  let verb = verbs[method] ?? 'get'
  if (!name && verb === 'get') {
    verb = query.get('watch') && isTrue(query.get('watch')) ? 'watch' : 'list'
    name = nameOf(query)
  } else if (!name && verb === 'delete') verb = 'deletecollection'
  return { isResource: true, verb, group, version, resource, subresource, namespace, name, path }
}

/** `true`, `1`, also `watch=` with nothing: how Kubernetes reads boolean parameters. */
export function isTrue(value: string | null): boolean {
  return value !== null && value !== 'false' && value !== '0'
}

/** A list or watch of one name counts as about that object for authorization. */
function nameOf(query: URLSearchParams): string {
  const selector = query.get('fieldSelector')
  if (!selector) return ''
  const term = parseFieldTerms(selector).find(({ field, equal }) => field === 'metadata.name' && equal)
  return term?.value ?? ''
}

function decodeSegments(path: string): string[] {
  const raw = path.replace(/^\/+|\/+$/g, '').split('/')
  return raw.map((segment) => {
    let decoded: string
    try {
      decoded = decodeURIComponent(segment)
    } catch {
      throw new IsthmusError('bad_request', 'the path is not well-formed')
    }
    if (decoded === '.' || decoded === '..' || /[/%\0]/.test(decoded) || (decoded === '' && raw.length > 1)) {
      throw new IsthmusError('bad_request', `the path has an invalid segment ${JSON.stringify(decoded)}`)
    }
    return decoded
  })
}
