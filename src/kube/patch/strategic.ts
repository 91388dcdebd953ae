import { IsthmusError } from '../../protocol/errors/index.ts'
import {
  badPatch,
  cloneJson,
  get,
  isObject,
  type JsonObject,
  type JsonValue,
  misfit,
  put,
} from './json-value.ts'
import { ruleFor, typeOfKind } from './merge-keys.ts'
import {
  DELETE_FROM,
  DIRECTIVE,
  ELEMENT_ORDER,
  RETAIN_KEYS,
  withoutDirectives,
} from './strategic-directives.ts'
import { applyElementOrder, mergeList, removeValues } from './strategic-list.ts'

/**
 * Applies a strategic merge patch, as API servers do (apimachinery strategicpatch): lists are merged by the
 * merge keys of the kind, with `$patch`, `$retainKeys`, `$setElementOrder/…` and `$deleteFromPrimitiveList/…`.
 * Neither argument is changed.
 * @param kind `<apiVersion>/<kind>`, such as `v1/Pod`
 * @throws IsthmusError unsupported_media_type for a kind without known merge keys, bad_request for a malformed
 *   patch, invalid for one that does not fit
 */
export function applyStrategicMergePatch(kind: string, document: JsonObject, patch: unknown): JsonObject {
  const type = typeOfKind(kind)
  if (type === undefined) {
    throw new IsthmusError('unsupported_media_type', `${kind} has no strategic merge patch`)
  }
  if (!isObject(patch)) throw badPatch('a strategic merge patch must be an object')
  return mergeObject(cloneJson(document), cloneJson(patch), type)
}

/** Merges in place; both arguments are this call's own. */
function mergeObject(original: JsonObject, patch: JsonObject, type: string | undefined): JsonObject {
  const directive = get(patch, DIRECTIVE)
  if (directive !== undefined) {
    if (directive === 'delete') return {}
    if (directive !== 'replace') throw badPatch(`${DIRECTIVE} must be replace or delete here`)
    delete patch[DIRECTIVE]
    return withoutDirectives(patch) as JsonObject
  }
  applyRetainKeys(original, patch)
  for (const key of Object.keys(patch)) {
    if (key.startsWith(ELEMENT_ORDER)) orderList(original, patch, key, type)
  }
  for (const [key, value] of Object.entries(patch)) mergeField(original, key, value, type)
  return original
}

function mergeField(original: JsonObject, key: string, value: JsonValue, type: string | undefined): void {
  if (key.startsWith(DELETE_FROM)) {
    const field = key.slice(DELETE_FROM.length)
    const current = get(original, field)
    if (Array.isArray(current)) put(original, field, removeValues(current, value, key))
    return
  }
  if (value === null) {
    delete original[key]
    return
  }
  const current = get(original, key)
  const rule = ruleFor(type, key)
  let result: JsonValue | undefined
  if (isObject(current) && isObject(value) && !rule.replace) result = mergeObject(current, value, rule.type)
  else if (Array.isArray(current) && Array.isArray(value) && rule.merge) {
    result = mergeList(current, value, rule, key, mergeObject)
  } else result = withoutDirectives(value)
  if (result === undefined) delete original[key]
  else put(original, key, result)
}

/** `$retainKeys` names the fields that stay: what else the object has goes, as a union's other members. */
function applyRetainKeys(original: JsonObject, patch: JsonObject): void {
  const retained = get(patch, RETAIN_KEYS)
  if (retained === undefined) return
  delete patch[RETAIN_KEYS]
  if (!Array.isArray(retained)) throw badPatch(`${RETAIN_KEYS} must be a list of fields`)
  for (const [key, value] of Object.entries(patch)) {
    if (value === null || key.startsWith(DELETE_FROM) || key.startsWith(ELEMENT_ORDER)) continue
    if (!retained.includes(key)) throw badPatch(`${RETAIN_KEYS} must name ${key}, which the patch sets`)
  }
  for (const key of Object.keys(original)) if (!retained.includes(key)) delete original[key]
}

/** `$setElementOrder/<list>`: merges the list, if the patch has it, and puts it in the given order. */
function orderList(
  original: JsonObject,
  patch: JsonObject,
  directive: string,
  type: string | undefined,
): void {
  const order = get(patch, directive)
  delete patch[directive]
  const field = directive.slice(ELEMENT_ORDER.length)
  const current = get(original, field) ?? undefined
  const changes = get(patch, field) ?? undefined
  if (!Array.isArray(order)) throw badPatch(`${directive} must be a list`)
  if (current !== undefined && !Array.isArray(current)) throw misfit(`${field} is no list`)
  if (changes !== undefined && !Array.isArray(changes)) throw misfit(`${field} must be a list in the patch`)
  if (get(patch, field) === null) return // the list is removed, whatever its order
  const rule = ruleFor(type, field)
  const before = current ? [...current] : undefined
  const result = applyElementOrder({ before, current, changes, order, rule, field, merge: mergeObject })
  delete patch[field]
  if (result) put(original, field, result)
}
