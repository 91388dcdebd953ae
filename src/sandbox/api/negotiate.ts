import { IsthmusError } from '../../protocol/errors/index.ts'

/** How an answer is to look. */
export type Representation = 'object' | 'table' | 'partial'

interface Clause {
  type: string
  parameters: Record<string, string>
}

/** Splits an Accept header into its clauses, in order (Kubernetes goes by order, not by q). */
export function parseAccept(header: string | undefined): Clause[] {
  return (header || 'application/json').split(',').map((clause) => {
    const [type = '', ...rest] = clause.split(';').map((piece) => piece.trim())
    const parameters = rest.map((piece) => {
      const equals = piece.indexOf('=')
      return [piece.slice(0, equals), piece.slice(equals + 1)] as const
    })
    return { type: type.toLowerCase(), parameters: Object.fromEntries(parameters) }
  })
}

const isJson = (type: string) => type === 'application/json' || type === 'application/*' || type === '*/*'

/**
 * The first clause that can be served; `as=Table` or `as=PartialObjectMetadata(List)` count only with `v=v1` and
 * `g=meta.k8s.io`, otherwise the next clause is taken. Answers are JSON always. @throws not_acceptable.
 */
export function negotiate(accept: string | undefined, isList: boolean): Representation {
  for (const { type, parameters } of parseAccept(accept)) {
    if (!isJson(type)) continue
    const { as, v, g } = parameters
    if (!as) return 'object'
    if (g !== 'meta.k8s.io' || v !== 'v1') continue
    if (as === 'Table') return 'table'
    if (as === 'PartialObjectMetadataList' && isList) return 'partial'
    if (as === 'PartialObjectMetadata' && !isList) return 'partial'
  }
  const text = 'only the following media types are accepted: application/json'
  throw new IsthmusError('not_acceptable', text)
}
