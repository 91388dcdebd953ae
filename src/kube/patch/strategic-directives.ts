import { isObject, type JsonObject, type JsonValue, put } from './json-value.ts'

export const DIRECTIVE = '$patch'
export const RETAIN_KEYS = '$retainKeys'
export const ELEMENT_ORDER = '$setElementOrder/'
export const DELETE_FROM = '$deleteFromPrimitiveList/'

/**
 * What a patch's value is where nothing was before: without nulls, without directives, and without the elements
 * that are only there to be deleted. Undefined where nothing is left of it.
 */
export function withoutDirectives(value: JsonValue): JsonValue | undefined {
  if (Array.isArray(value)) {
    return value.flatMap((item) => (item === null ? [null] : (withoutDirectives(item) ?? [])))
  }
  if (!isObject(value)) return value
  if (Object.hasOwn(value, DIRECTIVE)) return undefined
  const result: JsonObject = {}
  for (const [key, item] of Object.entries(value)) {
    if (key === RETAIN_KEYS || key.startsWith(ELEMENT_ORDER) || key.startsWith(DELETE_FROM)) continue
    const kept = item === null ? undefined : withoutDirectives(item)
    if (kept !== undefined) put(result, key, kept)
  }
  return result
}
