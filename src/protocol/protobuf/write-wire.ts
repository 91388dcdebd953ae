/** What a message is made of; fields that are undefined, empty or false are left out, as proto3 leaves out zeros. */
export type WireField = readonly [number: number, value: string | boolean | Buffer | undefined]

const LENGTH_DELIMITED = 2

/** One protobuf message (proto3) from its fields, in their order. Repeated fields are given once for each element. */
export function wireMessage(fields: readonly WireField[]): Buffer {
  const parts: Buffer[] = []
  for (const [number, value] of fields) {
    if (value === undefined || value === false || value === '') continue
    if (value === true) {
      parts.push(varint(number << 3), varint(1))
      continue
    }
    const bytes = typeof value === 'string' ? Buffer.from(value, 'utf8') : value
    parts.push(varint((number << 3) | LENGTH_DELIMITED), varint(bytes.length), bytes)
  }
  return Buffer.concat(parts)
}

/** A non-negative integer below 2^31. */
function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = value
  while (rest > 0x7f) {
    bytes.push((rest & 0x7f) | 0x80)
    rest >>>= 7
  }
  bytes.push(rest)
  return Buffer.from(bytes)
}
