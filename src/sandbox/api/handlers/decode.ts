import { decodeBody } from '../body.ts'
import type { ApiCall } from '../context.ts'

/** The body of a call, decoded by its content type. @throws bad_request, unsupported_media_type. */
export function decodeCallBody(call: ApiCall): unknown {
  return decodeBody(call.contentType, call.body)
}
