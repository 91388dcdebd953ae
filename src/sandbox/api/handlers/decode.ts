import { decodeBody, type ExpectedKind } from '../body.ts'
import type { ApiCall } from '../context.ts'
import { apiVersionOf } from '../resources/definition.ts'

/** The body of a call, decoded by its content type. @throws bad_request, unsupported_media_type. */
export function decodeCallBody(call: ApiCall, expected: ExpectedKind = call.definition): unknown {
  return decodeBody(call.contentType, call.body, `${apiVersionOf(expected)}/${expected.kind}`)
}
