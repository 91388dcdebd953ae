import { type ErrorCode, type ErrorEntry, errorRegistry } from './registry.ts'

/** One fault of one field; `field` is a path such as `spec.containers[0].image`. */
export interface FieldFault {
  field: string
  /** metav1.CauseType, such as `FieldValueForbidden`, `FieldValueInvalid`, `FieldValueRequired`. */
  reason: string
  message: string
}

/** What an occurrence of an error may say beside its code and text. All of it is public. */
export interface ErrorDetails {
  /** Faults by field, all of them at once. */
  causes?: FieldFault[]
  /** Kubernetes' resource name and object name, for `details` of a Status. */
  kind?: string
  group?: string
  name?: string
  uid?: string
  /** For 429 and 503. */
  retryAfterSeconds?: number
  /** Not public: the error behind it, for the log. */
  cause?: unknown
}

/**
 * The one error of Isthmus. `message` is public; whatever is internal belongs into `cause`.
 * Branch on `code`.
 */
export class IsthmusError extends Error {
  readonly code: ErrorCode
  readonly details: Omit<ErrorDetails, 'cause'>

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    const { cause, ...rest } = details
    super(message, { cause })
    this.name = 'IsthmusError'
    this.code = code
    this.details = rest
  }

  get entry(): ErrorEntry {
    return errorRegistry[this.code]
  }

  get status(): number {
    return this.entry.status
  }
}

/** Whether `error` is an IsthmusError, of this code when one is given. */
export function isIsthmusError(error: unknown, code?: ErrorCode): error is IsthmusError {
  return error instanceof IsthmusError && (code === undefined || error.code === code)
}

/** Any thrown value as an IsthmusError: an unknown one becomes `internal`, its text stays inside as the cause. */
export function toIsthmusError(error: unknown): IsthmusError {
  if (error instanceof IsthmusError) return error
  return new IsthmusError('internal', 'An internal error occurred.', { cause: error })
}
