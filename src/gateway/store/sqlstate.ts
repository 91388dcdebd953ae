import { IsthmusError } from '../../protocol/errors/index.ts'

/** What pg's DatabaseError carries. */
interface DatabaseFailure {
  code?: string
  constraint?: string
}

/** Worth another try of the whole transaction: serialization failure and deadlock. */
export function isRetryable(error: unknown): boolean {
  const code = (error as DatabaseFailure)?.code
  return code === '40001' || code === '40P01'
}

/** What the public is told when a unique constraint is hit, by the constraint's name. */
const DUPLICATES: Record<string, string> = {
  tenants_name_key: 'A tenant of this name exists.',
  clusters_name_key: 'A cluster of this name exists.',
  nodes_tenant_id_name_key: 'The tenant has a node of this name.',
  operators_name_key: 'An operator of this name exists.',
  credentials_agent_slots: 'The node has two valid agent credentials; revoke one first.',
}

/**
 * The one place where SQLSTATE becomes a code of the registry. Whatever is not known here is `internal`, and what
 * means that Postgres can not serve at present (no connection, shutting down, out of slots, read-only, timed out)
 * is `unavailable`: quota fails closed and is tried again.
 */
export function toStoreError(error: unknown): Error {
  if (error instanceof IsthmusError) return error
  const { code = '', constraint = '' } = (error ?? {}) as DatabaseFailure
  if (!/^[0-9A-Z]{5}$/.test(code)) {
    // No SQLSTATE: the connection failed (ECONNREFUSED, timeout, "Connection terminated") or this is our own bug.
    return isConnectionFailure(error)
      ? new IsthmusError('unavailable', 'The database is not reachable.', {
          cause: error,
          retryAfterSeconds: 1,
        })
      : (error as Error)
  }
  switch (code.slice(0, 2)) {
    case '08': // connection exception
    case '53': // insufficient resources
    case '57': // operator intervention: shutdown, cancelled by statement_timeout
    case '58': // system error
      return new IsthmusError('unavailable', 'The database is not available.', {
        cause: error,
        retryAfterSeconds: 1,
      })
  }
  switch (code) {
    case '40001':
    case '40P01':
    case '55P03':
    case '25006': // read only: a standby
      return new IsthmusError('unavailable', 'The database is busy.', { cause: error, retryAfterSeconds: 1 })
    case '23505':
      return new IsthmusError('already_exists', DUPLICATES[constraint] ?? 'It exists already.', {
        cause: error,
      })
    case '23503':
      return new IsthmusError('in_use', 'Something still refers to it, or what it refers to is gone.', {
        cause: error,
      })
    case '22021': // a NUL, or bytes that are no UTF-8
    case '22P05': // \u0000 inside JSON
      return new IsthmusError('bad_request', 'A text holds a character that can not be stored.', {
        cause: error,
      })
    case '22003': // more digits than numeric(30,0) has
    case '23514': // a check of the schema that no earlier one has caught
      return new IsthmusError('invalid', 'A value is out of its range.', { cause: error })
    default:
      return new IsthmusError('internal', 'An internal error occurred.', { cause: error })
  }
}

function isConnectionFailure(error: unknown): boolean {
  const { code, message } = (error ?? {}) as { code?: string; message?: string }
  if (code && /^E[A-Z]+$/.test(code)) return true
  // pg throws plain Errors for these; there is no code to branch on.
  return /^(Connection terminated|timeout e|Query read timeout|Client has encountered|Cannot use a pool)/.test(
    message ?? '',
  )
}
