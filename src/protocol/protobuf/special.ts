import { malformed, readFields, type WireField } from './wire.ts'

/** Types whose JSON is not that of their fields; from their bytes, undefined for the zero value. */
export const special: Record<string, (bytes: Uint8Array | undefined) => unknown> = {
  Time: (bytes) => formatTime(bytes, false),
  MicroTime: (bytes) => formatTime(bytes, true),
  // The zero quantity prints as 0; a written one is passed on, its grammar is the policy's to check.
  Quantity: (bytes) => (bytes === undefined ? '0' : requireText(bytes)),
  IntOrString: formatIntOrString,
  FieldsV1: (bytes) => formatRaw(bytes),
}

export const toText = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8')

/** A signed number that JSON and JavaScript can carry. */
export function toInteger(value: bigint): number {
  const signed = BigInt.asIntN(64, value)
  const number = Number(signed)
  if (!Number.isSafeInteger(number)) throw malformed('a number beyond 2^53')
  return number
}

function fieldsByNumber(bytes: Uint8Array | undefined): Map<number, WireField['value']> {
  return new Map([...readFields(bytes ?? new Uint8Array())].map(({ number, value }) => [number, value]))
}

function numberAt(fields: Map<number, WireField['value']>, number: number): number {
  const value = fields.get(number) ?? 0n
  if (typeof value !== 'bigint') throw malformed('a number was expected')
  return toInteger(value)
}

function textAt(fields: Map<number, WireField['value']>, number: number): string {
  const value = fields.get(number)
  if (value === undefined) return ''
  if (typeof value === 'bigint') throw malformed('a string was expected')
  return toText(value)
}

function requireText(bytes: Uint8Array): string {
  const text = textAt(fieldsByNumber(bytes), 1)
  if (text === '') throw malformed('a quantity is empty')
  return text
}

/** No bytes are the zero time, which is null; the epoch is `08 00 10 00`. Seconds only, as its JSON has them. */
function formatTime(bytes: Uint8Array | undefined, micro: boolean): string | null {
  if (bytes === undefined || bytes.length === 0) return null
  const fields = fieldsByNumber(bytes)
  const date = new Date(numberAt(fields, 1) * 1000)
  if (!(date.getUTCFullYear() >= 1 && date.getUTCFullYear() <= 9999)) throw malformed('a time out of range')
  const seconds = date.toISOString().slice(0, 19)
  if (!micro) return `${seconds}Z`
  const micros = Math.floor(numberAt(fields, 2) / 1000)
  if (micros < 0 || micros > 999_999) throw malformed('a time out of range')
  return `${seconds}.${String(micros).padStart(6, '0')}Z`
}

function formatIntOrString(bytes: Uint8Array | undefined): number | string {
  const fields = fieldsByNumber(bytes)
  const type = numberAt(fields, 1)
  if (type === 0) return numberAt(fields, 2)
  if (type === 1) return textAt(fields, 3)
  throw malformed('an IntOrString is neither')
}

function formatRaw(bytes: Uint8Array | undefined): unknown {
  const raw = textAt(fieldsByNumber(bytes), 1)
  if (raw === '') return null
  try {
    return JSON.parse(raw)
  } catch {
    throw malformed('the JSON inside it is none')
  }
}
