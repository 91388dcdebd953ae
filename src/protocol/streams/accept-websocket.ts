import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { finished } from 'node:stream/promises'
import { CHANNEL } from './channel-codec.ts'
import { createChannelSocket } from './channel-socket.ts'
import { statusText, type V1StatusLike } from './exit-status.ts'
import type { LivenessLimits, StreamLimits } from './limits.ts'
import { channelProtocols, headerItems, negotiate, parseBearerSubprotocol } from './protocols.ts'
import { refuseUpgrade } from './refuse-upgrade.ts'
import type { CommandStreams, RemoteCommandClient } from './remote-command.ts'
import { createResizeReader } from './resize.ts'
import { StreamError, statusOfReason } from './stream-error.ts'
import { upgradeWebSocket } from './ws-upgrade.ts'

export interface AcceptOptions {
  req: IncomingMessage
  socket: Duplex
  head: Buffer
  streams: CommandStreams
  limits: StreamLimits
  liveness: LivenessLimits
}

/** The client leg of an exec or attach over WebSocket (virtual-kubelet.md §3, 2 and 3). */
export async function acceptWebSocketCommand(options: AcceptOptions): Promise<RemoteCommandClient> {
  const { req, socket, head, streams, limits, liveness } = options
  const offered = parseBearerSubprotocol(req.headers['sec-websocket-protocol']).protocols
  const name =
    headerItems(req.headers['sec-websocket-protocol']).length === 0
      ? ''
      : negotiate(offered, channelProtocols.keys())
  const protocol = name === undefined ? undefined : channelProtocols.get(name)
  if (name === undefined || !protocol) {
    const error = new StreamError('refused', 'none of the requested WebSocket protocols is supported')
    refuseUpgrade(socket, 403, { ...statusOfReason(error), reason: 'Forbidden', code: 403 })
    throw error
  }
  const ws = await upgradeWebSocket({ req, socket, head, protocol: name, limits })
  const resize = createResizeReader()
  const channels = createChannelSocket({
    ws,
    protocol,
    streams: streams.stdin ? [CHANNEL.stdin] : [],
    onMessage: (channel, payload) => channel === CHANNEL.resize && resize.write(payload),
    strict: false,
    onLoss: 'destroy',
    limits,
    liveness,
  })
  const stdout = streams.stdout ? channels.writable(CHANNEL.stdout, false) : null
  const stderr = streams.stderr ? channels.writable(CHANNEL.stderr, false) : null
  // Old clients take the first message for the sign that the stream is up (kubelet: the lowest writable channel).
  channels.send(stdout ? CHANNEL.stdout : stderr ? CHANNEL.stderr : CHANNEL.error, Buffer.alloc(0))

  let finishing: Promise<void> | undefined
  const tell = (status: V1StatusLike) => {
    const text = protocol.jsonStatus ? JSON.stringify(status) : statusText(status)
    if (text !== '') channels.send(CHANNEL.error, Buffer.from(text))
  }
  const finish = async (status: V1StatusLike) => {
    for (const stream of [stdout, stderr]) {
      stream?.end()
      // A stream that the client's going has destroyed is over as well.
      if (stream) await finished(stream).catch(() => undefined)
    }
    if (channels.closed.aborted) return
    tell(status)
    await channels.close()
  }
  return {
    protocol: name,
    stdin: streams.stdin ? channels.readable(CHANNEL.stdin) : null,
    stdout,
    stderr,
    onResize: (listener) => resize.listen(listener),
    finish(status) {
      finishing ??= finish(status)
      return finishing
    },
    abort(reason) {
      if (channels.closed.aborted) return
      tell(statusOfReason(reason))
      channels.fail(reason)
    },
    closed: channels.closed,
    get bufferedBytes() {
      return channels.bufferedBytes
    },
  }
}
