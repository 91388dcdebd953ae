import { IsthmusError } from '../../protocol/errors/index.ts'

/** In which shape an answer is wanted. */
export type OutputForm =
  | { as: 'object' }
  | { as: 'table'; includeObject: 'None' | 'Metadata' | 'Object' }
  | { as: 'partial'; list: boolean }

interface Clause {
  type: string
  parameters: Map<string, string>
  quality: number
}

/**
 * Chooses the form of an answer by the Accept header. JSON is all that is written; protobuf clauses fall through
 * to the next, as does `as=Table` without `g` and `v` (rule 13).
 * @throws IsthmusError not_acceptable where the header leaves no JSON.
 */
export function negotiate(accept: string | undefined): OutputForm {
  const clauses = parseAccept(accept)
  if (!accept?.trim()) return { as: 'object' }
  for (const clause of clauses) {
    if (!isJson(clause.type)) continue
    const as = clause.parameters.get('as')
    if (as === undefined) return { as: 'object' }
    const known =
      clause.parameters.get('g') === 'meta.k8s.io' && /^v1(beta1)?$/.test(clause.parameters.get('v') ?? '')
    if (!known) continue
    if (as === 'Table') return { as: 'table', includeObject: 'Metadata' }
    if (as === 'PartialObjectMetadata') return { as: 'partial', list: false }
    if (as === 'PartialObjectMetadataList') return { as: 'partial', list: true }
  }
  throw new IsthmusError(
    'not_acceptable',
    'only the following media types are accepted: application/json, application/json;stream=watch',
  )
}

/** Whether the header asks for aggregated discovery before plain JSON. */
export function wantsAggregated(accept: string | undefined): boolean {
  for (const { type, parameters } of parseAccept(accept)) {
    if (!isJson(type)) continue
    if (!parameters.has('as')) return false
    const { g, v, as } = Object.fromEntries(parameters)
    if (g === 'apidiscovery.k8s.io' && v === 'v2' && as === 'APIGroupDiscoveryList') return true
  }
  return false
}

/** Whether any clause lets JSON through, in whatever form. */
export function acceptsJson(accept: string | undefined): boolean {
  const clauses = parseAccept(accept)
  return clauses.length === 0 || clauses.some((clause) => isJson(clause.type))
}

/** The names of OpenAPI v2's protobuf; the first is what client-go asks for, the second what API servers answer with. */
const OPENAPI_PROTOBUF = [
  'application/com.github.proto-openapi.spec.v2@v1.0+protobuf',
  'application/com.github.proto-openapi.spec.v2.v1.0+protobuf',
]

/** The form of `/openapi/v2` that the header prefers; JSON without one. @throws IsthmusError not_acceptable */
export function openApiV2Form(accept: string | undefined): 'json' | 'protobuf' {
  const clauses = parseAccept(accept)
  if (clauses.length === 0) return 'json'
  for (const { type } of clauses) {
    if (OPENAPI_PROTOBUF.includes(type)) return 'protobuf'
    if (isJson(type)) return 'json'
  }
  throw new IsthmusError(
    'not_acceptable',
    `only the following media types are accepted: application/json, ${OPENAPI_PROTOBUF[0]}`,
  )
}

function isJson(type: string): boolean {
  return type === 'application/json' || type === 'application/*' || type === '*/*'
}

/** Clauses by falling quality, in the header's order among equals; those with q=0 are dropped. */
function parseAccept(accept: string | undefined): Clause[] {
  return (accept ?? '')
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map(parseClause)
    .filter((clause) => clause.quality > 0)
    .sort((a, b) => b.quality - a.quality)
}

function parseClause(text: string): Clause {
  const [type = '', ...rest] = text.split(';').map((part) => part.trim())
  const parameters = new Map(
    rest.map((part) => {
      const at = part.indexOf('=')
      return at < 0 ? ([part, ''] as const) : ([part.slice(0, at).trim(), part.slice(at + 1).trim()] as const)
    }),
  )
  const quality = Number(parameters.get('q') ?? '1')
  return { type: type.toLowerCase(), parameters, quality: Number.isFinite(quality) ? quality : 0 }
}
