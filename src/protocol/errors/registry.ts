/** One row of the registry: what a code means on both faces. */
export interface ErrorEntry {
  /** HTTP status on both faces. */
  status: number
  /** `reason` of the metav1.Status on the Kubernetes face (k8s.io/apimachinery metav1.StatusReason). */
  reason: string
  /** Short title on the REST faces (RFC 9457 `title`); never changes with the occurrence. */
  title: string
  /** Whether the same request may succeed later without a change by the caller. */
  retryable: boolean
  /** For docs/errors.md: what to do about it. */
  remedy: string
}

const entry = (status: number, reason: string, title: string, retryable: boolean, remedy: string) =>
  ({ status, reason, title, retryable, remedy }) as const satisfies ErrorEntry

/**
 * Every error that a caller can see. Code branches on these codes, never on text; docs/errors.md is generated
 * from this table. The public text of an occurrence is the error's `message`; internals go into `cause`.
 */
export const errorRegistry = {
  bad_request: entry(400, 'BadRequest', 'Malformed request', false, 'Correct the field that is named.'),
  unknown_parameter: entry(400, 'BadRequest', 'Unknown query parameter', false, 'Leave the parameter out.'),
  unauthenticated: entry(401, 'Unauthorized', 'Not authenticated', false, 'Send a valid token.'),
  forbidden: entry(403, 'Forbidden', 'Not allowed', false, 'Ask for a credential that may do this.'),
  quota_exceeded: entry(403, 'Forbidden', 'Quota exceeded', true, 'Free quota or have it raised.'),
  suspended: entry(403, 'Forbidden', 'Tenant suspended', true, 'Ask the operator to resume the tenant.'),
  not_found: entry(404, 'NotFound', 'Not found', false, 'Check the name.'),
  method_not_allowed: entry(405, 'MethodNotAllowed', 'Method not allowed', false, 'See the API description.'),
  not_acceptable: entry(406, 'NotAcceptable', 'Not acceptable', false, 'Accept application/json.'),
  already_exists: entry(
    409,
    'AlreadyExists',
    'Already exists',
    false,
    'Use another name, or the object there.',
  ),
  conflict: entry(409, 'Conflict', 'Conflict', true, 'Read the object again and repeat the change.'),
  in_use: entry(409, 'Conflict', 'Still in use', true, 'Remove what uses it, or say drain or force.'),
  stale_epoch: entry(
    409,
    'Conflict',
    'Another writer has taken over',
    false,
    'Acquire the writer lease again.',
  ),
  gone: entry(410, 'Expired', 'Too old', false, 'List again.'),
  precondition_failed: entry(412, 'Conflict', 'Precondition failed', true, 'Read again; send the new ETag.'),
  payload_too_large: entry(413, 'RequestEntityTooLarge', 'Body too large', false, 'Send less.'),
  unsupported_media_type: entry(
    415,
    'UnsupportedMediaType',
    'Unsupported media type',
    false,
    'See what is named.',
  ),
  invalid: entry(422, 'Invalid', 'Invalid', false, 'Correct the fields that are named.'),
  idempotency_mismatch: entry(
    422,
    'Invalid',
    'Idempotency-Key used for another request',
    false,
    'Use a new key.',
  ),
  too_many_requests: entry(429, 'TooManyRequests', 'Too many requests', true, 'Wait for Retry-After.'),
  internal: entry(500, 'InternalError', 'Internal error', true, 'Tell the operator the request id.'),
  not_implemented: entry(501, 'NotImplemented', 'Not implemented', false, 'Not served here.'),
  bad_gateway: entry(
    502,
    'InternalError',
    'The data plane answered badly',
    true,
    'Try again; see the cluster.',
  ),
  unavailable: entry(503, 'ServiceUnavailable', 'Unavailable', true, 'Try again shortly.'),
  timeout: entry(504, 'Timeout', 'Timed out', true, 'Try again.'),
} as const satisfies Record<string, ErrorEntry>

/** A code of the registry. */
export type ErrorCode = keyof typeof errorRegistry
