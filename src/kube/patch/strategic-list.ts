import { badPatch, get, isObject, type JsonObject, type JsonValue, misfit } from './json-value.ts'
import type { FieldRule } from './merge-keys.ts'
import { DIRECTIVE, withoutDirectives } from './strategic-directives.ts'

/** How an element that is there is merged with its change; given by the caller, since elements hold lists again. */
export type MergeElement = (original: JsonObject, change: JsonObject, type: string | undefined) => JsonObject

/** Merges a list by its rule and puts the patched elements where the patch has them. */
export function mergeList(
  current: JsonValue[],
  changes: JsonValue[],
  rule: FieldRule,
  field: string,
  merge: MergeElement,
): JsonValue[] {
  if (current.length === 0 && changes.length === 0) return current
  if (!areObjects([...current, ...changes], field)) {
    const merged = [...new Set([...current, ...changes])]
    return inOrder(merged, changes, current, undefined)
  }
  if (rule.key === undefined) throw misfit(`${field} has no merge key`)
  const { kept, rest } = applyElementDirectives(
    current as JsonObject[],
    changes as JsonObject[],
    rule.key,
    field,
  )
  const before = [...kept]
  const { key, type } = rule
  const merged = [...kept]
  // Where each key stands first: a search per change took minutes for lists of some 10,000.
  const places = new Map<JsonValue | undefined, number>()
  const note = (element: JsonObject, at: number) => {
    const value = get(element, key)
    if (!places.has(value)) places.set(value, at)
  }
  merged.forEach(note)
  for (const change of rest) {
    const at = places.get(keyOf(change, key, field))
    if (at === undefined) note(change, merged.push(withoutDirectives(change) as JsonObject) - 1)
    else merged[at] = merge(merged[at]!, change, type)
  }
  return inOrder(merged, rest, before, key)
}

/** Whether the elements are objects; they must all be, or all be values. */
function areObjects(elements: JsonValue[], field: string): boolean {
  const objects = elements.filter(isObject).length
  if (elements.some((element) => element === null || Array.isArray(element))) {
    throw misfit(`${field} must hold neither nulls nor lists`)
  }
  if (objects !== 0 && objects !== elements.length) throw misfit(`${field} mixes objects and values`)
  return objects > 0
}

/** Elements with `$patch: delete` or `replace`: what is left of the list, and the elements to merge. */
function applyElementDirectives(
  current: JsonObject[],
  changes: JsonObject[],
  key: string,
  field: string,
): { kept: JsonObject[]; rest: JsonObject[] } {
  let replace = false
  const deleted = new Set<JsonValue>()
  const rest: JsonObject[] = []
  for (const element of changes) {
    const directive = get(element, DIRECTIVE)
    if (directive === undefined) rest.push(element)
    else if (directive === 'replace') replace = true
    else if (directive === 'delete') deleted.add(keyOf(element, key, field))
    else throw badPatch(`${DIRECTIVE} must be delete or replace in the elements of ${field}`)
  }
  if (!replace) {
    const kept = current.filter((item) => !deleted.has(get(item, key) as JsonValue))
    return { kept, rest }
  }
  return { kept: rest.map((element) => withoutDirectives(element) as JsonObject), rest: [] }
}

function keyOf(element: JsonValue, key: string, field: string): JsonValue {
  const value = isObject(element) ? get(element, key) : undefined
  if (value === undefined) throw misfit(`an element of ${field} has no merge key ${key}`)
  return value
}

/** The position of an element in an order, by its merge key where there is one. */
function createPositions(
  order: JsonValue[],
  key: string | undefined,
): (element: JsonValue) => number | undefined {
  const positions = new Map<JsonValue | undefined, number>()
  const identity = (element: JsonValue) =>
    key !== undefined && isObject(element) ? get(element, key) : element
  order.forEach((element, index) => {
    const id = identity(element)
    if (!positions.has(id)) positions.set(id, index)
  })
  return (element) => positions.get(identity(element))
}

/**
 * The elements that `order` names come in its order, the others in that of `before`; one of the latter goes
 * first where it stood before the one that it is compared with.
 */
function inOrder(
  merged: JsonValue[],
  order: JsonValue[],
  before: JsonValue[],
  key: string | undefined,
): JsonValue[] {
  const wanted = createPositions(order, key)
  const earlier = createPositions(before, key)
  const by = (position: typeof wanted) => (a: JsonValue, b: JsonValue) =>
    (position(a) ?? Number.MAX_SAFE_INTEGER) - (position(b) ?? Number.MAX_SAFE_INTEGER)
  const named = merged.filter((element) => wanted(element) !== undefined).sort(by(wanted))
  const others = merged.filter((element) => wanted(element) === undefined).sort(by(earlier))
  const result: JsonValue[] = []
  let next = 0
  for (const element of named) {
    const place = earlier(element)
    while (next < others.length && place !== undefined && (earlier(others[next]!) ?? Infinity) < place) {
      result.push(others[next++]!)
    }
    result.push(element)
  }
  return [...result, ...others.slice(next)]
}

export interface ElementOrder {
  /** The list before the patch. */
  before: JsonValue[] | undefined
  current: JsonValue[] | undefined
  changes: JsonValue[] | undefined
  order: JsonValue[]
  rule: FieldRule
  field: string
  merge: MergeElement
}

/** The list, merged and in the order of `$setElementOrder`; undefined where there is none. */
export function applyElementOrder({ before, current, changes, order, rule, field, merge }: ElementOrder) {
  checkOrder(changes ?? [], order, rule.key, field)
  if (!current && !changes) return undefined
  const merged = !changes
    ? current!
    : !current
      ? (withoutDirectives(changes) as JsonValue[])
      : rule.merge
        ? mergeList(current, changes, rule, field, merge)
        : (withoutDirectives(changes) as JsonValue[])
  const key = areObjects(merged, field) ? rule.key : undefined
  if (key === undefined && merged.some(isObject)) throw misfit(`${field} has no merge key`)
  if (key !== undefined) for (const element of [...merged, ...order]) keyOf(element, key, field)
  return inOrder(merged, order, before ?? [], key)
}

/** What the patch sets must stand in the order, and in the same sequence. */
function checkOrder(changes: JsonValue[], order: JsonValue[], key: string | undefined, field: string): void {
  if (order.length === 0) return
  const set = changes.filter((element) => !isObject(element) || get(element, DIRECTIVE) === undefined)
  const identity = (element: JsonValue) => (key !== undefined ? keyOf(element, key, field) : element)
  let at = 0
  for (const element of order) if (at < set.length && identity(set[at]!) === identity(element)) at += 1
  if (at < set.length) throw badPatch(`the order of ${field} does not fit its $setElementOrder`)
}

/** `$deleteFromPrimitiveList`: the list without these values. */
export function removeValues(current: JsonValue[], values: JsonValue, directive: string): JsonValue[] {
  if (!Array.isArray(values)) throw badPatch(`${directive} must be a list`)
  const gone = new Set(values)
  return current.filter((item) => !gone.has(item))
}
