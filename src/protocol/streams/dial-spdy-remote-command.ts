import type { Duplex } from 'node:stream'
import { type LegOptions, resolveLimits, resolveLiveness } from './limits.ts'
import { watchLiveness } from './liveness.ts'
import { spdyCommandProtocols } from './protocols.ts'
import { type CommandStreams, effectiveStreams, type RemoteCommandServer } from './remote-command.ts'
import { encodeResize } from './resize.ts'
import { createSpdyConnection } from './spdy/connection.ts'
import type { SpdyStream } from './spdy/stream.ts'
import { createStatusReader } from './status-reader.ts'
import { StreamError } from './stream-error.ts'

export interface DialSpdyRemoteCommandOptions extends LegOptions {
  /** The socket that `awaitSpdyUpgrade` returned. */
  socket: Duplex
  /** What the server chose (`UpgradedSocket.protocol`). */
  protocol: string
  streams: CommandStreams
}

/**
 * The leg towards whoever runs the command, over SPDY/3.1: what a Kubernetes API server speaks to a kubelet, and
 * kubectl before 1.30.
 * @throws StreamError when the peer does not accept the streams; the socket is then closed
 */
export async function dialSpdyRemoteCommand(
  options: DialSpdyRemoteCommandOptions,
): Promise<RemoteCommandServer> {
  const limits = resolveLimits(options.limits)
  const streams = effectiveStreams(options.streams)
  const protocol = spdyCommandProtocols.get(options.protocol)
  const connection = createSpdyConnection({
    stream: options.socket,
    role: 'client',
    limits,
    onData: () => watch.moved(),
    onHeard: () => watch.heard(),
  })
  const watch = watchLiveness(resolveLiveness(options), {
    ping: connection.ping,
    blocked: () => connection.blocked,
    fail: (reason) => connection.abort(reason),
  })
  const open = async (streamtype: string, wanted: boolean): Promise<SpdyStream | null> =>
    wanted ? connection.openStream({ streamtype }) : null
  const reader = createStatusReader(!protocol?.jsonStatus)
  const over = () => {
    watch.stop()
    reader.end(connection.closed.reason)
  }
  if (connection.closed.aborted) over()
  else connection.closed.addEventListener('abort', over, { once: true })
  try {
    if (!protocol) throw new StreamError('protocol', `the peer chose the protocol ${options.protocol}`)
    // One after the other, the error stream first, as kubectl does: peers may depend on it.
    const error = (await open('error', true)) as SpdyStream
    error.on('data', (bytes: Buffer) => reader.write(bytes))
    error.on('end', () => reader.end(new StreamError('ended', 'the error stream ended')))
    const stdin = await open('stdin', streams.stdin)
    stdin?.resume()
    const stdout = await open('stdout', streams.stdout)
    const stderr = await open('stderr', streams.stderr)
    const resize = await open('resize', streams.tty && protocol.resize)
    resize?.resume()
    void reader.status.then(() => {
      // The peer ends its streams with the status; one that does not is closed by us.
      setTimeout(() => void connection.close(), limits.closeTimeoutMs).unref()
    })
    return {
      protocol: `SPDY/3.1 ${options.protocol}`,
      stdin,
      stdout,
      stderr,
      resize(size) {
        if (resize?.writable) resize.write(encodeResize(size))
      },
      status: reader.status,
      abort: (reason) => connection.abort(reason),
      closed: connection.closed,
      get bufferedBytes() {
        return connection.bufferedBytes
      },
    }
  } catch (error) {
    connection.abort(error as Error)
    throw error
  }
}
