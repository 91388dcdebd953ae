import type { Readable, Writable } from 'node:stream'
import {
  exitStatus,
  type RemoteCommandServer,
  StreamError,
  type TerminalSize,
  type V1StatusLike,
} from '../../../protocol/streams/index.ts'

export interface ProcessLegOptions {
  stdin: Writable | null
  stdout: Readable | null
  stderr: Readable | null
  resize(size: TerminalSize): void
  /** Resolves with the exit code. */
  exited: Promise<{ code: number }>
  /** The client has gone. */
  onAbort(): void
}

/** A process as the far leg of an exec or attach, to be joined with the client by `pumpRemoteCommand`. */
export function processLeg(options: ProcessLegOptions): RemoteCommandServer {
  const { stdin, stdout, stderr } = options
  const closed = new AbortController()
  let over = false
  const end = (reason: Error) => {
    if (over) return
    over = true
    closed.abort(reason)
  }
  const status: Promise<V1StatusLike> = options.exited.then(({ code }) => {
    end(new StreamError('ended', 'the process has ended'))
    return exitStatus(code)
  })
  return {
    protocol: 'process',
    stdin,
    stdout,
    stderr,
    resize: options.resize,
    status,
    abort(reason) {
      if (over) return
      end(reason)
      options.onAbort()
    },
    closed: closed.signal,
    get bufferedBytes() {
      return (stdout?.readableLength ?? 0) + (stderr?.readableLength ?? 0) + (stdin?.writableLength ?? 0)
    },
  }
}
