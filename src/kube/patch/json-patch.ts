import {
  badPatch,
  cloneJson,
  equalJson,
  get,
  isObject,
  type JsonObject,
  type JsonValue,
  misfit,
  put,
} from './json-value.ts'

/** API servers take no more (MaxJSONPatchOperations). */
const OPERATIONS_MAX = 10_000
/** What `copy` may add in all, in characters (JSONPatchMaxCopyBytes): doubling by copies would else fill the memory. */
const COPIED_MAX = 3 * 1024 * 1024

type Step = string

/**
 * How many elements of lists the operations may move aside in all: 10,000 insertions at the head of a list of a
 * million took ten seconds, and the event loop with them; this many take some milliseconds.
 */
const SHIFTED_MAX = 5_000_000

/**
 * Applies a JSON patch (RFC 6902) to a copy of the document; all of it or, by throwing, nothing.
 * @throws IsthmusError bad_request for a malformed patch, invalid for one that does not fit (a failed `test` too)
 */
export function applyJsonPatch(document: JsonValue, patch: unknown): JsonValue {
  if (!Array.isArray(patch)) throw badPatch('a JSON patch must be a list of operations')
  if (patch.length > OPERATIONS_MAX) {
    throw badPatch(`a JSON patch must have no more than ${OPERATIONS_MAX} operations, not ${patch.length}`)
  }
  const root: Root = { value: cloneJson(document), shifted: 0 }
  let copied = 0
  patch.forEach((operation: unknown, index) => {
    if (!isObject(operation)) throw badPatch(`operation ${index} is no object`)
    copied += applyOperation(root, operation, `operation ${index}`)
    if (root.shifted > SHIFTED_MAX) throw badPatch('this JSON patch moves too many elements of lists')
    if (copied > COPIED_MAX) throw badPatch('the copies of this JSON patch are too large')
  })
  return root.value
}

/** The document while it is changed, and how many elements of lists were moved aside. */
interface Root {
  value: JsonValue
  shifted: number
}

/** Returns how much it copied. */
function applyOperation(root: Root, operation: JsonObject, name: string): number {
  const path = parsePointer(operation['path'], `${name}: path`)
  const value = () => {
    const given = get(operation, 'value')
    if (given === undefined) throw badPatch(`${name}: value is missing`)
    return cloneJson(given)
  }
  switch (operation['op']) {
    case 'add':
      add(root, path, value(), name)
      return 0
    case 'remove':
      remove(root, path, name)
      return 0
    case 'replace':
      read(root, path, name)
      if (path.length > 0) remove(root, path, name)
      add(root, path, value(), name)
      return 0
    case 'test':
      if (!equalJson(read(root, path, name), value())) throw misfit(`${name}: the test failed`)
      return 0
    case 'move': {
      const from = parsePointer(operation['from'], `${name}: from`)
      if (path.length > from.length && from.every((step, index) => step === path[index])) {
        throw misfit(`${name}: a value can not be moved into itself`)
      }
      const moved = read(root, from, name)
      remove(root, from, name)
      add(root, path, moved, name)
      return 0
    }
    case 'copy': {
      const source = read(root, parsePointer(operation['from'], `${name}: from`), name)
      add(root, path, cloneJson(source), name)
      return sizeOf(source)
    }
    default:
      throw badPatch(`${name}: op must be add, remove, replace, move, copy or test`)
  }
}

/** RFC 6901. */
function parsePointer(pointer: unknown, name: string): Step[] {
  if (typeof pointer !== 'string' || (pointer !== '' && !pointer.startsWith('/'))) {
    throw badPatch(`${name} must be a JSON pointer`)
  }
  if (/~(?![01])/.test(pointer)) throw badPatch(`${name} is not escaped rightly`)
  return pointer
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
}

function missing(name: string): Error {
  return misfit(`${name}: there is nothing at this path`)
}

function indexIn(list: JsonValue[], step: Step, last: number, name: string): number {
  const index = /^(?:0|[1-9]\d{0,8})$/.test(step) ? Number(step) : -1
  if (index < 0 || index > last || (index === list.length && last < list.length)) throw missing(name)
  return index
}

function read(root: Root, path: Step[], name: string): JsonValue {
  let at = root.value
  for (const step of path) {
    const next = Array.isArray(at)
      ? at[indexIn(at, step, at.length - 1, name)]
      : isObject(at)
        ? get(at, step)
        : undefined
    if (next === undefined) throw missing(name)
    at = next
  }
  return at
}

function add(root: Root, path: Step[], value: JsonValue, name: string): void {
  const step = path.at(-1)
  if (step === undefined) {
    root.value = value
    return
  }
  const parent = read(root, path.slice(0, -1), name)
  if (Array.isArray(parent)) {
    const at = step === '-' ? parent.length : indexIn(parent, step, parent.length, name)
    root.shifted += parent.length - at
    parent.splice(at, 0, value)
  } else if (isObject(parent)) put(parent, step, value)
  else throw missing(name)
}

function remove(root: Root, path: Step[], name: string): void {
  const step = path.at(-1)
  if (step === undefined) throw misfit(`${name}: the whole document can not be removed`)
  const parent = read(root, path.slice(0, -1), name)
  if (Array.isArray(parent)) {
    const at = indexIn(parent, step, parent.length - 1, name)
    root.shifted += parent.length - at
    parent.splice(at, 1)
  } else if (isObject(parent) && Object.hasOwn(parent, step)) delete parent[step]
  else throw missing(name)
}

/** About the characters of its JSON. */
function sizeOf(value: JsonValue): number {
  if (typeof value === 'string') return value.length + 2
  if (typeof value !== 'object' || value === null) return 8
  return Object.entries(value).reduce((sum, [key, item]) => sum + key.length + 3 + sizeOf(item), 2)
}
