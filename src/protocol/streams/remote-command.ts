import type { Readable, Writable } from 'node:stream'
import type { V1StatusLike } from './exit-status.ts'

/** Size of a terminal in characters. */
export interface TerminalSize {
  width: number
  height: number
}

/** Which streams an exec or attach has. With a tty there is no stderr, whatever was asked for. */
export interface CommandStreams {
  stdin: boolean
  stdout: boolean
  stderr: boolean
  tty: boolean
}

/** The leg towards the client of one exec or attach, whatever it speaks. Made by `acceptRemoteCommand`. */
export interface RemoteCommandClient {
  /** What was negotiated: `v5.channel.k8s.io`, `channel.k8s.io`, `''`, …, with `SPDY/3.1 ` before it over SPDY. */
  readonly protocol: string
  /** Ends with the client's stdin (v5 CLOSE, SPDY FIN); destroyed when the client has gone. */
  readonly stdin: Readable | null
  readonly stdout: Writable | null
  readonly stderr: Writable | null
  /** Also called with the last size that came before. One listener at a time. */
  onResize(listener: (size: TerminalSize) => void): void
  /**
   * Flushes stdout and stderr, sends the status as the protocol has it, and closes in order. Resolves when the
   * connection is closed, also when the client went first; never rejects. The first call counts.
   */
  finish(status: V1StatusLike): Promise<void>
  /** Ends it now. The client is told the reason's public text and close code where it still listens. */
  abort(reason: Error): void
  /** Aborted, with an Error as reason, when the client has gone or the leg has ended (`StreamError.end`). */
  readonly closed: AbortSignal
  /** Bytes held in memory for this leg at this moment. */
  readonly bufferedBytes: number
}

/** The leg towards whoever runs the command. Made by `dialRemoteCommand` and `dialSpdyRemoteCommand`. */
export interface RemoteCommandServer {
  readonly protocol: string
  /** `end()` says that stdin is over (v5 CLOSE, SPDY FIN); before v5 WebSocket has no way to say so. */
  readonly stdin: Writable | null
  /** End when the leg ends, also when it broke: `status` tells which. */
  readonly stdout: Readable | null
  readonly stderr: Readable | null
  resize(size: TerminalSize): void
  /** What the error channel told, or an InternalError Status when the leg broke before. Never rejects. */
  readonly status: Promise<V1StatusLike>
  abort(reason: Error): void
  readonly closed: AbortSignal
  readonly bufferedBytes: number
}

/** The streams that really exist: a tty has no stderr. */
export function effectiveStreams(streams: CommandStreams): CommandStreams {
  return { ...streams, stderr: streams.stderr && !streams.tty }
}
