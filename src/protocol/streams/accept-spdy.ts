import { finished } from 'node:stream/promises'
import type { AcceptOptions } from './accept-websocket.ts'
import { statusText, type V1StatusLike } from './exit-status.ts'
import { watchLiveness } from './liveness.ts'
import { spdyCommandProtocols } from './protocols.ts'
import type { CommandStreams, RemoteCommandClient } from './remote-command.ts'
import { createResizeReader } from './resize.ts'
import { createSpdyConnection, type SpdyConnection } from './spdy/connection.ts'
import type { SpdyStream } from './spdy/stream.ts'
import { upgradeSpdy } from './spdy-upgrade.ts'
import { asError, StreamError, statusOfReason } from './stream-error.ts'

/** How long a client that is cut off may take to read why. */
const LAST_WORDS_MS = 1_000

/** The client leg of an exec or attach over SPDY/3.1 (virtual-kubelet.md §3, 1). */
export async function acceptSpdyCommand(options: AcceptOptions): Promise<RemoteCommandClient> {
  const { req, socket, head, limits, liveness } = options
  const name = upgradeSpdy({ req, socket, head, served: spdyCommandProtocols.keys() })
  const protocol = spdyCommandProtocols.get(name) ?? { resize: false, jsonStatus: false }
  const controller = new AbortController()
  const pending = collectStreams(wantedStreams(options.streams, protocol.resize))
  const connection = createSpdyConnection({
    stream: socket,
    role: 'server',
    limits: { ...limits, maxStreams: 8 },
    onStream: pending.add,
    onData: (direction) => {
      watch.moved()
      if (direction === 'in') watch.heard()
    },
    onHeard: () => watch.heard(),
  })
  const fail = (reason: Error) => {
    if (controller.signal.aborted) return
    watch.stop()
    controller.abort(reason)
  }
  const watch = watchLiveness(liveness, {
    ping: connection.ping,
    blocked: () => connection.blocked,
    fail: (reason) => connection.abort(reason),
  })
  whenAborted(connection.closed, () => fail(asError(connection.closed.reason)))

  const streams = await pending.within(limits.setupTimeoutMs, connection)
  const resize = createResizeReader()
  streams.get('resize')?.on('data', (bytes: Buffer) => resize.write(bytes))
  for (const type of ['stdout', 'stderr', 'error']) streams.get(type)?.resume() // the client sends nothing on them
  const error = streams.get('error') as SpdyStream
  const stdout = streams.get('stdout') ?? null
  const stderr = streams.get('stderr') ?? null

  const tell = (status: V1StatusLike) => {
    const text = protocol.jsonStatus ? JSON.stringify(status) : statusText(status)
    if (error.writable) error.end(text)
  }
  const finish = async (status: V1StatusLike) => {
    for (const stream of [stdout, stderr]) {
      stream?.end()
      // A stream that the client's going has destroyed is over as well.
      if (stream) await finished(stream, { readable: false }).catch(() => undefined)
    }
    if (controller.signal.aborted) return
    tell(status)
    for (const type of ['stdin', 'resize']) streams.get(type)?.end()
    await connection.close()
  }
  let finishing: Promise<void> | undefined
  return {
    protocol: `SPDY/3.1 ${name}`,
    stdin: streams.get('stdin') ?? null,
    stdout,
    stderr,
    onResize: (listener) => resize.listen(listener),
    finish(status) {
      finishing ??= finish(status)
      return finishing
    },
    abort(reason) {
      if (controller.signal.aborted) return
      tell(statusOfReason(reason))
      fail(reason)
      void connection.close()
      setTimeout(() => connection.abort(reason), LAST_WORDS_MS).unref()
      for (const type of ['stdin', 'stdout', 'stderr']) streams.get(type)?.destroy(reason)
    },
    closed: controller.signal,
    get bufferedBytes() {
      return connection.bufferedBytes
    },
  }
}

function wantedStreams(streams: CommandStreams, resize: boolean): Set<string> {
  const wanted = new Set(['error'])
  if (streams.stdin) wanted.add('stdin')
  if (streams.stdout) wanted.add('stdout')
  if (streams.stderr) wanted.add('stderr')
  if (streams.tty && resize) wanted.add('resize')
  return wanted
}

/** Gathers the streams that the client opens; one that is unknown, doubled or not asked for is reset. */
function collectStreams(wanted: Set<string>) {
  const streams = new Map<string, SpdyStream>()
  let complete: () => void = () => {}
  return {
    add(stream: SpdyStream) {
      const type = stream.headers['streamtype'] ?? ''
      if (!wanted.has(type) || streams.has(type)) {
        stream.reset()
        return
      }
      streams.set(type, stream)
      if (streams.size === wanted.size) complete()
    },
    /** @throws StreamError `setup` when they do not come in time, the connection's end when that comes first */
    async within(ms: number, connection: SpdyConnection): Promise<Map<string, SpdyStream>> {
      let timer: NodeJS.Timeout | undefined
      await new Promise<void>((resolve, reject) => {
        complete = resolve
        timer = setTimeout(() => {
          const reason = new StreamError('setup', 'timed out waiting for the client to open its streams')
          connection.abort(reason)
        }, ms)
        whenAborted(connection.closed, () => reject(asError(connection.closed.reason)))
        if (streams.size === wanted.size) resolve()
      }).finally(() => clearTimeout(timer))
      return streams
    },
  }
}

function whenAborted(signal: AbortSignal, listener: () => void): void {
  if (signal.aborted) listener()
  else signal.addEventListener('abort', listener, { once: true })
}
