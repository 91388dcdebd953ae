import type { KubeClient } from '../../../kube/client/types.ts'
import type { OutputForm } from '../../kubernetes/accept.ts'
import type { Resource, Verb } from '../../kubernetes/resources.ts'
import type { ErrorSubject } from '../../kubernetes/upstream-errors.ts'
import type { TenantView } from '../../kubernetes/view.ts'
import type { Principal } from '../../tokens/principal.ts'

/** One request to the Kubernetes face after it was authenticated, parsed and authorised. */
export interface KubeCall {
  principal: Principal
  view: TenantView
  client: KubeClient
  resource: Resource
  subresource: string | undefined
  verb: Verb
  /** The tenant's namespace; undefined over all namespaces and for resources without one. */
  namespace: string | undefined
  /** From the path, undefined for collections. */
  name: string | undefined
  query: URLSearchParams
  /** How the answer is wanted. */
  form: OutputForm
  body: Buffer
  contentType: string | undefined
  userAgent: string | undefined
  requestId: string
  /** Aborted when the client has gone or was cut off. */
  signal: AbortSignal
  /** Wall clock at the request's start, milliseconds since the epoch; ages in tables are counted from it. */
  nowMs: number
  /** Texts for `Warning` headers (RFC 7234, code 299). */
  warnings: string[]
}

/** The answer of an operation that does not stream. */
export interface KubeAnswer {
  status: number
  body: unknown
}

/** The subject of an error about this call's object. */
export function subjectOf(call: KubeCall, name = call.name): ErrorSubject {
  return { resource: call.resource, name, namespace: call.namespace }
}

/** Path of the call's resource at the data plane; without a namespace over all of them. */
export function upstreamPath(
  call: KubeCall,
  physicalNamespace: string | undefined,
  ...rest: string[]
): string[] {
  const { group, version, name } = call.resource
  const base = group === '' ? ['api', version] : ['apis', group, version]
  const scope = physicalNamespace === undefined ? [] : ['namespaces', physicalNamespace]
  return [...base, ...scope, name, ...rest]
}

/** The client's own User-Agent goes upstream: the API server takes the field manager from it (rule 6). */
export function upstreamHeaders(call: KubeCall): Record<string, string> {
  const agent = call.userAgent?.replace(/[^\x20-\x7e]/g, '?').slice(0, 256)
  return agent === undefined || agent === '' ? {} : { 'user-agent': agent }
}
