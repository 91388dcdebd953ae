import { IsthmusError } from '../../protocol/errors/index.ts'
import type { KubeObject } from './types.ts'

export type FieldMatcher = (object: KubeObject) => boolean

/** One term, `field=value` or `field!=value`. */
export interface FieldTerm {
  field: string
  equal: boolean
  value: string
}

/** Reads one selectable field of an object. */
export type FieldReader = (object: KubeObject) => string

/** Parses `a=b,c!=d` with `\\`, `\,` and `\=` as escapes (apimachinery fields.ParseSelector). @throws bad_request. */
export function parseFieldTerms(text: string | undefined): FieldTerm[] {
  if (!text?.trim()) return []
  return splitEscaped(text)
    .filter((part) => part !== '')
    .map((part) => {
      const match = /^([^=!\\]+)(!=|==|=)(.*)$/s.exec(part)
      if (!match)
        throw new IsthmusError('bad_request', `invalid selector: '${text}'; can't understand '${part}'`)
      return { field: match[1]!, equal: match[2] !== '!=', value: withoutEscapes(match[3]!, text) }
    })
}

/** A matcher of the terms. @throws bad_request for a field that `readers` does not know. */
export function fieldMatcher(
  terms: readonly FieldTerm[],
  readers: Readonly<Record<string, FieldReader>>,
): FieldMatcher | undefined {
  if (terms.length === 0) return undefined
  const tests = terms.map(({ field, equal, value }) => {
    const read = Object.hasOwn(readers, field) ? readers[field] : undefined
    if (!read) throw new IsthmusError('bad_request', unknownField(field, Object.keys(readers)))
    return (object: KubeObject) => (read(object) === value) === equal
  })
  return (object) => tests.every((test) => test(object))
}

/** Resources without fields of their own word it in another way (runtime.DefaultMetaV1FieldSelectorConversion). */
function unknownField(field: string, known: readonly string[]): string {
  if (known.some((name) => !name.startsWith('metadata.'))) return `field label not supported: ${field}`
  return `"${field}" is not a known field selector: only "metadata.name", "metadata.namespace"`
}

function splitEscaped(text: string): string[] {
  const parts: string[] = []
  let start = 0
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '\\') i++
    else if (text[i] === ',') {
      parts.push(text.slice(start, i))
      start = i + 1
    }
  }
  parts.push(text.slice(start))
  return parts
}

function withoutEscapes(value: string, whole: string): string {
  let result = ''
  for (let i = 0; i < value.length; i++) {
    const character = value[i]!
    if (character === '\\') {
      const next = value[++i]
      if (next !== '\\' && next !== ',' && next !== '=') {
        throw new IsthmusError(
          'bad_request',
          `invalid field selector ${JSON.stringify(whole)}: invalid escape`,
        )
      }
      result += next
    } else if (character === '=') {
      throw new IsthmusError('bad_request', `invalid field selector ${JSON.stringify(whole)}: unescaped '='`)
    } else result += character
  }
  return result
}
