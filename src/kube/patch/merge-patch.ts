import { cloneJson, equalJson, get, isObject, type JsonObject, type JsonValue, put } from './json-value.ts'

/**
 * Applies a JSON merge patch (RFC 7386): objects are merged, null removes, everything else replaces.
 * Neither argument is changed.
 * @throws IsthmusError bad_request for one nested deeper than 200
 */
export function applyMergePatch(target: JsonValue | undefined, patch: JsonValue): JsonValue {
  return merge(target === undefined ? undefined : cloneJson(target), cloneJson(patch))
}

function merge(target: JsonValue | undefined, patch: JsonValue): JsonValue {
  if (!isObject(patch)) return patch
  const result: JsonObject = isObject(target) ? target : {}
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key]
    else put(result, key, merge(get(result, key), value))
  }
  return result
}

/** The merge patch that makes `to` of `from`; undefined where they are the same. `to` must hold no nulls. */
export function createMergePatch(from: JsonValue | undefined, to: JsonValue): JsonValue | undefined {
  if (equalJson(from, to)) return undefined
  if (!isObject(from) || !isObject(to)) return to
  const patch: JsonObject = {}
  for (const key of Object.keys(from)) if (!Object.hasOwn(to, key)) put(patch, key, null)
  for (const [key, value] of Object.entries(to)) {
    const change = createMergePatch(get(from, key), value)
    if (change !== undefined) put(patch, key, change)
  }
  return patch
}
