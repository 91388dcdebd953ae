import { IsthmusError } from '../errors/index.ts'

/** One field as it lies on the wire: a number for varints, bytes for everything with a length. */
export interface WireField {
  number: number
  value: bigint | Uint8Array
}

export const malformed = (why: string) =>
  new IsthmusError('bad_request', `the body is no valid protobuf: ${why}`)

/**
 * The fields of one message in the order they come. Fixed-size fields and groups, of which Kubernetes' types
 * have none, are read over or refused, as the format demands for unknown fields.
 * @throws IsthmusError bad_request
 */
export function* readFields(bytes: Uint8Array): Generator<WireField> {
  const cursor = { at: 0 }
  while (cursor.at < bytes.length) {
    const tag = readVarint(bytes, cursor)
    const number = Number(tag >> 3n)
    if (number < 1 || number > 0x1fffffff) throw malformed('a field number out of range')
    switch (Number(tag & 7n)) {
      case 0:
        yield { number, value: readVarint(bytes, cursor) }
        break
      case 1:
        skip(bytes, cursor, 8)
        break
      case 2:
        yield { number, value: skip(bytes, cursor, Number(readVarint(bytes, cursor))) }
        break
      case 5:
        skip(bytes, cursor, 4)
        break
      default:
        throw malformed('an unknown wire type')
    }
  }
}

/** Up to 64 bits, unsigned. */
export function readVarint(bytes: Uint8Array, cursor: { at: number }): bigint {
  let low = 0
  for (let shift = 0; shift < 28; shift += 7) {
    const byte = bytes[cursor.at++]
    if (byte === undefined) throw malformed('it ends within a number')
    low |= (byte & 0x7f) << shift
    if (byte < 0x80) return BigInt(low)
  }
  let value = BigInt(low)
  for (let shift = 28n; shift < 70n; shift += 7n) {
    const byte = bytes[cursor.at++]
    if (byte === undefined) throw malformed('it ends within a number')
    value |= BigInt(byte & 0x7f) << shift
    if (byte < 0x80) return BigInt.asUintN(64, value)
  }
  throw malformed('a number of more than 64 bits')
}

function skip(bytes: Uint8Array, cursor: { at: number }, length: number): Uint8Array {
  const end = cursor.at + length
  if (end > bytes.length) throw malformed('it ends within a field')
  const part = bytes.subarray(cursor.at, end)
  cursor.at = end
  return part
}
