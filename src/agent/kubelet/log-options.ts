import { IsthmusError } from '../../protocol/errors/index.ts'

/** Options of a log request by the names of the Kubernetes API's query. */
export type LogOptions = Record<string, string>

const flags = ['follow', 'previous', 'timestamps'] as const
const numbers = ['tailLines', 'sinceSeconds', 'limitBytes'] as const
/** RFC 3339, as metav1.Time marshals and unmarshals. */
const time = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$/

function invalid(field: string, message: string): IsthmusError {
  return new IsthmusError('invalid', `${field}: ${message}`, {
    causes: [{ field, reason: 'FieldValueInvalid', message }],
  })
}

/** Go's strconv.ParseBool, and the empty value that queryparams writes for true-ish flags. */
function isTrue(field: string, text: string): boolean {
  if (['1', 't', 'T', 'true', 'TRUE', 'True'].includes(text)) return true
  if (['', '0', 'f', 'F', 'false', 'FALSE', 'False'].includes(text)) return false
  throw invalid(field, 'must be a boolean')
}

/**
 * Reads the query of `/containerLogs` (v1.PodLogOptions; `tail` is an old name of `tailLines`). `tailLines=0`
 * means no line, not all of them. @throws IsthmusError invalid (422)
 */
export function parseLogOptions(query: URLSearchParams): LogOptions {
  const options: LogOptions = {}
  for (const name of flags) {
    const text = query.get(name)
    if (text !== null && isTrue(name, text)) options[name] = 'true'
  }
  for (const name of numbers) {
    const text = query.get(name) ?? (name === 'tailLines' ? query.get('tail') : null)
    if (text === null || text === '') continue
    if (name === 'tailLines' && text === 'all' && !query.has('tailLines')) continue
    const least = name === 'tailLines' ? 0 : 1
    if (!/^\d{1,18}$/.test(text) || Number(text) < least) {
      throw invalid(
        name,
        least === 0 ? 'must be a whole number, 0 or more' : 'must be a whole number above 0',
      )
    }
    options[name] = text
  }
  const since = query.get('sinceTime')
  if (since) {
    if (!time.test(since)) throw invalid('sinceTime', 'must be a time as in RFC 3339')
    if (options['sinceSeconds'])
      throw invalid('sinceSeconds', 'at most one of sinceTime or sinceSeconds may be given')
    options['sinceTime'] = since
  }
  const stream = query.get('stream')
  if (stream && stream !== 'All') options['stream'] = stream
  return options
}
