import { failureStatus, parseStatus, type V1StatusLike } from './exit-status.ts'
import { StreamError } from './stream-error.ts'

const MAX_STATUS_BYTES = 64 << 10

/** Puts together the Status that arrives on an error channel, in one piece or several, and settles once. */
export interface StatusReader {
  readonly status: Promise<V1StatusLike>
  readonly settled: boolean
  /** What comes after the Status is whole is ignored (a second Status among it). */
  write(bytes: Buffer): void
  /** The leg is over: without a whole Status this is an InternalError, with the reason's text where it is public. */
  end(reason: unknown): void
}

/**
 * @param plainText protocols before v4: any text is a failure, and an orderly end without one success
 */
export function createStatusReader(plainText: boolean, onStatus?: () => void): StatusReader {
  let resolve: (status: V1StatusLike) => void
  const status = new Promise<V1StatusLike>((settle) => {
    resolve = settle
  })
  let bytes = Buffer.alloc(0)
  let settled = false
  const settle = (value: V1StatusLike) => {
    settled = true
    resolve(value)
    onStatus?.()
  }
  return {
    status,
    get settled() {
      return settled
    },
    write(more) {
      if (settled || bytes.length > MAX_STATUS_BYTES) return
      bytes = Buffer.concat([bytes, more])
      const whole = plainText ? undefined : parseStatus(bytes)
      if (whole) settle(saidOnce(whole))
    },
    end(reason) {
      if (settled) return
      const orderly = reason instanceof StreamError && reason.end === 'ended'
      if (plainText && bytes.length > 0) settle(failureStatus(bytes.toString('utf8').slice(0, 4096)))
      else if (plainText && orderly)
        settle({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success' })
      else if (bytes.length > 0) settle(failureStatus('the stream ended with a malformed status'))
      else if (orderly) settle(failureStatus('the stream ended without a status'))
      else settle(failureStatus(`the stream broke before the command ended${publicText(reason)}`))
    },
  }
}

const PREFIX = 'Internal error occurred: '

/**
 * An API server that translates between WebSocket and SPDY writes its own "Internal error occurred: " before the
 * kubelet's (streamtranslator.go, NewInternalError); a user reads it once.
 */
function saidOnce(status: V1StatusLike): V1StatusLike {
  let { message = '' } = status
  while (message.startsWith(PREFIX + PREFIX)) message = message.slice(PREFIX.length)
  return message === (status.message ?? '') ? status : { ...status, message }
}

function publicText(reason: unknown): string {
  return reason instanceof StreamError ? `: ${reason.message}` : ''
}
