/** metav1.Status as it comes from others: every field may be missing. */
export interface V1StatusLike {
  kind?: string
  apiVersion?: string
  metadata?: object
  status?: string
  message?: string
  reason?: string
  details?: {
    name?: string
    kind?: string
    causes?: { reason?: string; message?: string; field?: string }[]
  }
  code?: number
}

const NON_ZERO = 'NonZeroExitCode'
const EXIT_CODE = 'ExitCode'

/**
 * What the error channel says when the command has ended: Success for 0, else the Failure from which kubectl
 * takes its own exit code (virtual-kubelet.md §3, 4).
 */
export function exitStatus(code: number): V1StatusLike {
  if (code === 0) return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success' }
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: `command terminated with non-zero exit code: exit code ${code}`,
    reason: NON_ZERO,
    details: { causes: [{ reason: EXIT_CODE, message: String(code) }] },
  }
}

/** The exit code that a Status tells: 0 for Success, undefined where the command did not get as far as exiting. */
export function exitCodeOf(status: V1StatusLike): number | undefined {
  if (status.status === 'Success') return 0
  if (status.reason !== NON_ZERO) return undefined
  const cause = status.details?.causes?.find((candidate) => candidate.reason === EXIT_CODE)
  const text = cause?.message ?? ''
  return /^-?\d{1,9}$/.test(text) ? Number(text) : undefined
}

/** A Status for what went wrong beside the command. `message` is shown to the user as it is. */
export function failureStatus(message: string, reason = 'InternalError', code = 500): V1StatusLike {
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, code }
}

/** Reads a Status from the bytes of an error channel; undefined where they are not (or not yet) a JSON object. */
export function parseStatus(bytes: Buffer): V1StatusLike | undefined {
  let value: unknown
  try {
    value = JSON.parse(bytes.toString('utf8'))
  } catch {
    return undefined // half a Status, or none: the caller waits for more or reports the leg as broken
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const { status, message, reason, details, code } = value as Record<string, unknown>
  if (status !== 'Success' && status !== 'Failure') return undefined
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status,
    ...(typeof message === 'string' ? { message } : {}),
    ...(typeof reason === 'string' ? { reason } : {}),
    ...(isDetails(details) ? { details } : {}),
    ...(typeof code === 'number' ? { code } : {}),
  }
}

function isDetails(value: unknown): value is NonNullable<V1StatusLike['details']> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const causes = (value as { causes?: unknown }).causes
  if (causes === undefined) return true
  return Array.isArray(causes) && causes.every((cause) => typeof cause === 'object' && cause !== null)
}

/** What protocols before v4 carry instead of a Status: nothing for success, else the text (remotecommand v1). */
export function statusText(status: V1StatusLike): string {
  if (status.status === 'Success') return ''
  return status.message ?? status.reason ?? 'failed'
}
