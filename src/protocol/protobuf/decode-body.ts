import { IsthmusError } from '../errors/index.ts'
import { decodeMessage, type JsonFields, newBudget } from './decode-message.ts'
import { toText } from './special.ts'
import { messageOfKind } from './table.ts'
import { malformed, readFields } from './wire.ts'

export const PROTOBUF_TYPE = 'application/vnd.kubernetes.protobuf'
const JSON_TYPE = 'application/json'
const MAGIC = [0x6b, 0x38, 0x73, 0x00] // k8s\0

/**
 * The body of a write as the object that it is, whichever way it was sent.
 * @param contentType of the request; JSON when absent, as API servers take it
 * @param expected `<apiVersion>/<kind>` of the route, for a protobuf body that does not say its own
 * @throws IsthmusError bad_request, unsupported_media_type
 */
export function decodeKubernetesBody(
  contentType: string | undefined,
  bytes: Uint8Array,
  expected?: string,
): JsonFields {
  const type = (contentType ?? JSON_TYPE).split(';')[0]!.trim().toLowerCase()
  if (type === JSON_TYPE || type === '') return parseJson(bytes)
  if (type === PROTOBUF_TYPE) return decodeProtobuf(bytes, expected)
  throw new IsthmusError(
    'unsupported_media_type',
    `the body of the request was in an unknown format - accepted media types include: ${JSON_TYPE}, ${PROTOBUF_TYPE}`,
  )
}

function parseJson(bytes: Uint8Array): JsonFields {
  let value: unknown
  try {
    value = JSON.parse(toText(bytes))
  } catch (error) {
    throw new IsthmusError('bad_request', 'the body is no valid JSON', { cause: error })
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonFields
  throw new IsthmusError('bad_request', 'the body must be an object')
}

/** The envelope: `k8s\0` and runtime.Unknown with kind (1), raw bytes (2) and their encoding (3). */
function decodeProtobuf(bytes: Uint8Array, expected: string | undefined): JsonFields {
  if (MAGIC.some((byte, index) => bytes[index] !== byte)) throw malformed('it does not begin with k8s\\0')
  let apiVersion = ''
  let kind = ''
  let raw = new Uint8Array()
  for (const { number, value } of readFields(bytes.subarray(MAGIC.length))) {
    if (typeof value === 'bigint') continue
    if (number === 2) raw = value as Uint8Array<ArrayBuffer>
    if (number === 3 && value.length > 0) {
      throw new IsthmusError('unsupported_media_type', 'an encoded protobuf body is not accepted')
    }
    if (number !== 1) continue
    for (const part of readFields(value)) {
      if (typeof part.value === 'bigint') continue
      if (part.number === 1) apiVersion = toText(part.value)
      if (part.number === 2) kind = toText(part.value)
    }
  }
  if (kind === '' && expected !== undefined) {
    kind = expected.slice(expected.lastIndexOf('/') + 1)
    apiVersion = expected.slice(0, expected.lastIndexOf('/'))
  }
  const message = messageOfKind(apiVersion, kind)
  if (message === undefined) {
    const name = JSON.stringify(`${apiVersion}/${kind}`.slice(0, 200))
    throw new IsthmusError('unsupported_media_type', `${name} is not accepted as protobuf; send JSON`)
  }
  return { kind, apiVersion, ...decodeMessage(message, raw, newBudget()) }
}
