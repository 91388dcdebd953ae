import { IsthmusError } from '../../protocol/errors/index.ts'

export type JsonValue = null | boolean | number | string | JsonValue[] | JsonObject
export type JsonObject = { [key: string]: JsonValue }

/** Deeper than any Kubernetes object, and far from the end of the stack. */
const DEPTH_MAX = 200

/** The patch itself is malformed: 400. */
export const badPatch = (message: string) => new IsthmusError('bad_request', message)
/** The patch is well-formed and does not fit the object: 422. */
export const misfit = (message: string) => new IsthmusError('invalid', message)

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** An object's own field: `constructor` and the like are found only where the document has them. */
export function get(object: JsonObject, key: string): JsonValue | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined
}

/** Sets an own field, `__proto__` too, which an assignment would take for the prototype. */
export function put(object: JsonObject, key: string, value: JsonValue): void {
  if (key === '__proto__') {
    Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true })
  } else object[key] = value
}

/** A copy of a JSON value. @throws IsthmusError bad_request for one nested deeper than 200 */
export function cloneJson<T extends JsonValue>(value: T, depth = 0): T {
  if (typeof value !== 'object' || value === null) return value
  if (depth >= DEPTH_MAX) throw badPatch(`nested deeper than ${DEPTH_MAX}`)
  if (Array.isArray(value)) return value.map((item) => cloneJson(item, depth + 1)) as T
  const copy: JsonObject = {}
  for (const [key, item] of Object.entries(value))
    if (item !== undefined) put(copy, key, cloneJson(item, depth + 1))
  return copy as T
}

/** Whether two JSON values are the same, whatever the order of their fields. */
export function equalJson(left: JsonValue | undefined, right: JsonValue | undefined): boolean {
  if (left === right) return true
  if (Array.isArray(left) && Array.isArray(right)) {
    return left.length === right.length && left.every((item, index) => equalJson(item, right[index]))
  }
  if (!isObject(left) || !isObject(right)) return false
  const keys = Object.keys(left)
  return (
    keys.length === Object.keys(right).length &&
    keys.every((key) => Object.hasOwn(right, key) && equalJson(left[key], right[key]))
  )
}
