import { special, toInteger, toText } from './special.ts'
import { type Field, fieldsOf } from './table.ts'
import { malformed, readFields, readVarint, type WireField } from './wire.ts'

/** Objects, elements and entries in one body at most: an empty message is two bytes on the wire and many more as JSON. */
const OBJECTS_MAX = 100_000

export type JsonFields = Record<string, unknown>

/** How many objects may still be made. */
export interface Budget {
  left: number
}

export const newBudget = (): Budget => ({ left: OBJECTS_MAX })

/**
 * A message as the object that encoding/json makes of the same Go value: pointers only when set, zeros
 * included; values always, unless `omitempty` and zero; structs always; nil lists and maps without `omitempty`
 * as null. Fields that are not known are left out, as a Go server leaves them out.
 * @throws IsthmusError bad_request
 */
export function decodeMessage(message: string, bytes: Uint8Array, budget: Budget): JsonFields {
  if (--budget.left < 0) throw malformed('too many objects')
  const fields = fieldsOf(message)
  const present = new Map<number, unknown>()
  for (const { number, value } of readFields(bytes)) {
    const field = fields.get(number)
    if (field) present.set(number, collect(field, value, present.get(number), budget))
  }
  const out: JsonFields = {}
  for (const [number, field] of fields) {
    const value = present.has(number) ? present.get(number) : absentValue(field, budget)
    if (value === undefined) continue
    if (field.inline) Object.assign(out, value)
    else if (present.has(number) && field.pointer) out[field.name] = value
    else if (!isLeftOut(field, value)) out[field.name] = value
  }
  return out
}

/** The value of a field after one more occurrence of it. */
function collect(field: Field, value: WireField['value'], before: unknown, budget: Budget): unknown {
  switch (field.shape) {
    case 'single':
      return decodeValue(field.type, value, budget)
    case 'list': {
      const list = (before as unknown[] | undefined) ?? []
      const packed = value instanceof Uint8Array && (field.type === 'int' || field.type === 'bool')
      for (const item of packed ? unpack(value) : [value]) {
        if (--budget.left < 0) throw malformed('too many objects')
        list.push(decodeValue(field.type, item, budget))
      }
      return list
    }
    case 'map':
    case 'map of lists': {
      const map = (before as JsonFields | undefined) ?? {}
      const [key, item] = decodeEntry(field, value, budget)
      // Not an assignment, which would take the key `__proto__` for the prototype.
      Object.defineProperty(map, key, { value: item, writable: true, enumerable: true, configurable: true })
      return map
    }
  }
}

function* unpack(bytes: Uint8Array): Generator<bigint> {
  const cursor = { at: 0 }
  while (cursor.at < bytes.length) yield readVarint(bytes, cursor)
}

function decodeEntry(field: Field, value: WireField['value'], budget: Budget): [string, unknown] {
  if (--budget.left < 0) throw malformed('too many objects')
  let key = ''
  let item: unknown
  for (const entry of readFields(requireBytes(value))) {
    if (entry.number === 1) key = toText(requireBytes(entry.value))
    if (entry.number !== 2) continue
    item =
      field.shape === 'map of lists'
        ? decodeItems(field.type, requireBytes(entry.value), budget)
        : decodeValue(field.type, entry.value, budget)
  }
  return [key, item === undefined ? emptyItem(field) : item]
}

/** What a map's entry without a value has: Go makes empty bytes of it, and nil of a named list. */
function emptyItem(field: Field): unknown {
  if (field.shape === 'map of lists') return null
  return special[field.type] ? special[field.type]!(undefined) : ''
}

/** A named list such as ExtraValue: a message whose field 1 repeats. */
function decodeItems(type: string, bytes: Uint8Array, budget: Budget): unknown[] | null {
  const items = [...readFields(bytes)].filter(({ number }) => number === 1)
  return items.length === 0 ? null : items.map(({ value }) => decodeValue(type, value, budget))
}

function decodeValue(type: string, value: WireField['value'], budget: Budget): unknown {
  switch (type) {
    case 'int':
      return toInteger(requireNumber(value))
    case 'bool':
      return requireNumber(value) !== 0n
    case 'string':
      return toText(requireBytes(value))
    case 'bytes':
      return Buffer.from(requireBytes(value)).toString('base64')
    default: {
      const bytes = requireBytes(value)
      return special[type] ? special[type](bytes) : decodeMessage(type, bytes, budget)
    }
  }
}

/** The value of a field that was not sent; undefined where nothing is written for it. */
function absentValue(field: Field, budget: Budget): unknown {
  if (field.pointer) return field.omitEmpty ? undefined : null
  if (field.shape !== 'single' || field.type === 'bytes') return field.omitEmpty ? undefined : null
  if (field.type === 'string') return ''
  if (field.type === 'int') return 0
  if (field.type === 'bool') return false
  return special[field.type]
    ? special[field.type]!(undefined)
    : decodeMessage(field.type, new Uint8Array(), budget)
}

/** `omitempty` drops zero values, but never structs; `omitzero`, which only times have, drops those. */
function isLeftOut(field: Field, value: unknown): boolean {
  if (field.omitZero && value === null) return true
  if (!field.omitEmpty || field.pointer) return false
  return field.shape === 'single' && (value === '' || value === 0 || value === false) && isPlain(field.type)
}

const isPlain = (type: string) => type === 'string' || type === 'int' || type === 'bool' || type === 'bytes'

function requireBytes(value: WireField['value']): Uint8Array {
  if (typeof value === 'bigint') throw malformed('a number where none belongs')
  return value
}

function requireNumber(value: WireField['value']): bigint {
  if (typeof value !== 'bigint') throw malformed('a number was expected')
  return value
}
