import { IsthmusError } from '../../protocol/errors/index.ts'

export interface FieldRequirement {
  /** A path such as `metadata.name`. */
  field: string
  operator: '=' | '!='
  value: string
}

/** All requirements must hold; none at all selects everything. */
export type FieldSelector = readonly FieldRequirement[]

const LENGTH_MAX = 16 * 1024
const path = /^[A-Za-z][-A-Za-z0-9_./[\]']*$/

/**
 * Reads a field selector as API servers do (apimachinery fields.ParseSelector), escapes `\\`, `\,` and `\=`
 * included. A trailing `\`, which would swallow a comma joined behind it, is refused (kubernetes-face.md 11).
 * Which fields there are is the caller's to know.
 * @throws IsthmusError bad_request
 */
export function parseFieldSelector(text: string, field = 'fieldSelector'): FieldSelector {
  const fail = (why: string) =>
    new IsthmusError('bad_request', `unable to parse ${field}: ${why}`, {
      causes: [{ field, reason: 'FieldValueInvalid', message: why }],
    })
  if (text.length > LENGTH_MAX) throw fail(`must be no more than ${LENGTH_MAX} characters`)
  const requirements: FieldRequirement[] = []
  for (const term of splitTerms(text)) {
    if (term === '') continue
    const match = /^([^=!]*)(==|!=|=)(.*)$/s.exec(term)
    if (!match) throw fail(`'${term}' has no operator`)
    const [, name = '', operator, escaped = ''] = match
    if (!path.test(name)) throw fail(`'${name}' is no field`)
    const value = unescapeValue(escaped)
    if (value === undefined) throw fail(`'${escaped}' is not escaped rightly`)
    requirements.push({ field: name, operator: operator === '!=' ? '!=' : '=', value })
  }
  return requirements
}

function splitTerms(text: string): string[] {
  const terms: string[] = []
  let start = 0
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '\\') at += 1
    else if (text[at] === ',') {
      terms.push(text.slice(start, at))
      start = at + 1
    }
  }
  terms.push(text.slice(start))
  return terms
}

function unescapeValue(text: string): string | undefined {
  let out = ''
  for (let at = 0; at < text.length; at++) {
    let character = text[at]!
    if (character === ',' || character === '=') return undefined
    if (character === '\\') {
      character = text[++at] ?? ''
      if (!/^[\\,=]$/.test(character)) return undefined
    }
    out += character
  }
  return out
}

/** Writes a selector anew, values escaped; parsed again it is the same. */
export function formatFieldSelector(selector: FieldSelector): string {
  return selector
    .map(({ field, operator, value }) => `${field}${operator}${value.replace(/[\\,=]/g, '\\$&')}`)
    .join(',')
}

/** Whether an object with these fields is selected; a field that is missing counts as empty. */
export function matchesFields(
  selector: FieldSelector,
  fields: (field: string) => string | undefined,
): boolean {
  return selector.every(
    ({ field, operator, value }) => ((fields(field) ?? '') === value) === (operator === '='),
  )
}
