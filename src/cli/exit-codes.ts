import type { ErrorCode } from '../protocol/errors/index.ts'

/** Exit codes of every command, so that scripts need not read text. Documented in `isthmus --help`. */
export const exitCodes = {
  ok: 0,
  /** Anything without a code of its own. */
  failure: 1,
  /** The command line or the input is wrong. */
  usage: 2,
  notFound: 3,
  /** Not authenticated, or not allowed. */
  denied: 4,
  /** Exists already, has changed meanwhile, or is still in use. */
  conflict: 5,
  /** Nothing answered, or what answered could not serve: trying again may help. */
  unavailable: 6,
} as const

const byCode: Partial<Record<ErrorCode, number>> = {
  bad_request: exitCodes.usage,
  unknown_parameter: exitCodes.usage,
  invalid: exitCodes.usage,
  not_found: exitCodes.notFound,
  unauthenticated: exitCodes.denied,
  forbidden: exitCodes.denied,
  already_exists: exitCodes.conflict,
  conflict: exitCodes.conflict,
  in_use: exitCodes.conflict,
  precondition_failed: exitCodes.conflict,
  unavailable: exitCodes.unavailable,
  bad_gateway: exitCodes.unavailable,
  timeout: exitCodes.unavailable,
  too_many_requests: exitCodes.unavailable,
}

/** The exit code for an error of the registry. */
export function exitCodeOf(code: ErrorCode): number {
  return byCode[code] ?? exitCodes.failure
}

/** Thrown by a command that has said all it has to say, and ends with this code. */
export class CommandEnded extends Error {
  readonly exitCode: number

  constructor(exitCode: number) {
    super(`exit code ${exitCode}`)
    this.name = 'CommandEnded'
    this.exitCode = exitCode
  }
}
