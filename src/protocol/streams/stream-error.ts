import { type ErrorCode, IsthmusError, type Status, toIsthmusError, toStatus } from '../errors/index.ts'

/**
 * Why a stream ended.
 * - `ended`: in order, after the status was sent or the peer said goodbye.
 * - `gone`: the peer vanished without a word (killed, network).
 * - `protocol`: the peer broke the protocol.
 * - `limit`: a limit of memory or number was passed.
 * - `idle`, `unresponsive`, `setup`: no data for the idle time, no answer to pings, streams not opened in time.
 * - `refused`: the upgrade was answered with an HTTP error; the socket is already answered.
 * - `aborted`: this side ended it.
 */
export type StreamEnd =
  | 'ended'
  | 'gone'
  | 'protocol'
  | 'limit'
  | 'idle'
  | 'unresponsive'
  | 'setup'
  | 'refused'
  | 'aborted'

const codes: Record<StreamEnd, ErrorCode> = {
  ended: 'unavailable',
  gone: 'unavailable',
  protocol: 'bad_request',
  limit: 'payload_too_large',
  idle: 'timeout',
  unresponsive: 'timeout',
  setup: 'timeout',
  refused: 'bad_request',
  aborted: 'unavailable',
}

/** WebSocket close codes (RFC 6455, 7.4.1): 1002 protocol error, 1009 too big, 1011 the server's side failed. */
const closeCodes: Partial<Record<StreamEnd, number>> = { ended: 1000, protocol: 1002, limit: 1009 }

/** The end of a stream and its reason; branch on `end`. */
export class StreamError extends IsthmusError {
  readonly end: StreamEnd
  /** The WebSocket close code that tells the peer; set it to say 4401 or 4403 to a session that is cut off. */
  readonly closeCode: number

  constructor(end: StreamEnd, message: string, options: { cause?: unknown; closeCode?: number } = {}) {
    super(codes[end], message, { cause: options.cause })
    this.name = 'StreamError'
    this.end = end
    this.closeCode = options.closeCode ?? closeCodes[end] ?? 1011
  }
}

/** The close code for any reason: that of a StreamError where it may be sent at all, or 1011. */
export function closeCodeOf(reason: unknown): number {
  const code = reason instanceof StreamError ? reason.closeCode : 1011
  const sendable = code === 1000 || (code >= 1007 && code <= 1014) || (code >= 1001 && code <= 1003)
  return sendable || (code >= 3000 && code <= 4999) ? code : 1011
}

/** The text beside a close code: public, and at most 123 bytes (RFC 6455, 5.5). */
export function closeTextOf(reason: unknown): string {
  let text = reason instanceof StreamError ? reason.message.slice(0, 120) : ''
  while (Buffer.byteLength(text) > 120) text = text.slice(0, -1)
  return text
}

/** Any reason as the Status that a client is told: the public text of an IsthmusError, nothing of other errors. */
export function statusOfReason(reason: unknown): Status {
  return toStatus(toIsthmusError(reason))
}

/** Any thrown value as an Error, so that `closed.reason` always is one. */
export function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new StreamError('aborted', 'aborted', { cause: reason })
}
