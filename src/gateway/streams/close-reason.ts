import { isIsthmusError } from '../../protocol/errors/index.ts'
import { StreamError } from '../../protocol/streams/index.ts'

/** WebSocket close codes beside RFC 6455's: as HTTP's 401 and 403 (gateways-and-threats.md C9). */
const UNAUTHENTICATED = 4401
const FORBIDDEN = 4403

/** Why a session ends, as its peer is told: the public text and a close code that says whether coming back helps. */
export function closeReason(reason: unknown): StreamError {
  if (reason instanceof StreamError) return reason
  if (isIsthmusError(reason, 'unauthenticated')) {
    return new StreamError('aborted', reason.message, { cause: reason, closeCode: UNAUTHENTICATED })
  }
  if (isIsthmusError(reason, 'suspended') || isIsthmusError(reason, 'forbidden')) {
    return new StreamError('aborted', reason.message, { cause: reason, closeCode: FORBIDDEN })
  }
  const text = isIsthmusError(reason) ? reason.message : 'The session was ended'
  return new StreamError('aborted', text, { cause: reason })
}

/** A signal that aborts with `signal`'s reason as a close reason. */
export function closeSignal(signal: AbortSignal): AbortSignal {
  const controller = new AbortController()
  const abort = () => controller.abort(closeReason(signal.reason))
  if (signal.aborted) abort()
  else signal.addEventListener('abort', abort, { once: true })
  return controller.signal
}
