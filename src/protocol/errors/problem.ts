import type { IsthmusError } from './error.ts'

/** RFC 9457 problem details as the operator, agent and token-less REST faces answer them. */
export interface Problem {
  type: string
  title: string
  status: number
  detail: string
  code: string
  retryable: boolean
  requestId?: string
  errors?: { field: string; reason: string; message: string }[]
}

/** Renders an error for the REST faces; media type `application/problem+json`. */
export function toProblem(error: IsthmusError, requestId?: string): Problem {
  return {
    type: `https://isthmus.dev/errors#${error.code}`,
    title: error.entry.title,
    status: error.status,
    detail: error.message,
    code: error.code,
    retryable: error.entry.retryable,
    requestId,
    errors: error.details.causes,
  }
}
