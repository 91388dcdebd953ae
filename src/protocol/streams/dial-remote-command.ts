import type { WebSocket } from 'ws'
import { CHANNEL } from './channel-codec.ts'
import { createChannelSocket } from './channel-socket.ts'
import { type LegOptions, resolveLimits, resolveLiveness } from './limits.ts'
import { channelProtocols } from './protocols.ts'
import { type CommandStreams, effectiveStreams, type RemoteCommandServer } from './remote-command.ts'
import { encodeResize } from './resize.ts'
import { createStatusReader } from './status-reader.ts'
import { StreamError } from './stream-error.ts'

export interface DialRemoteCommandOptions extends LegOptions {
  /**
   * Opens the WebSocket; offer `v5.channel.k8s.io, v4.channel.k8s.io`. End it with `whenOpen(ws)`, which returns
   * the socket paused, or its first messages may be lost. Set `maxPayload`, `maxFragments`, `perMessageDeflate: false`.
   */
  dial(): Promise<WebSocket>
  streams: CommandStreams
}

/**
 * The leg towards whoever runs the command, over a WebSocket that `dial` opens. The peer is hostile input: odd
 * frames end this leg (`strict` of the channel socket), never more.
 * @throws what `dial` throws; StreamError `protocol` when the peer chose a protocol that has no JSON Status.
 */
export async function dialRemoteCommand(options: DialRemoteCommandOptions): Promise<RemoteCommandServer> {
  const limits = resolveLimits(options.limits)
  const streams = effectiveStreams(options.streams)
  const ws = await options.dial()
  const protocol = channelProtocols.get(ws.protocol)
  if (!protocol?.jsonStatus) {
    ws.on('error', () => {}) // it is being thrown away
    ws.terminate()
    throw new StreamError('protocol', `the peer chose the protocol ${JSON.stringify(ws.protocol)}`)
  }
  const reader = createStatusReader(false, () => {
    // The peer closes after its status; one that does not is closed by us. stdout has arrived before it.
    setTimeout(() => void channels.close(), limits.closeTimeoutMs).unref()
  })
  const channels = createChannelSocket({
    ws,
    protocol,
    streams: [...(streams.stdout ? [CHANNEL.stdout] : []), ...(streams.stderr ? [CHANNEL.stderr] : [])],
    onMessage: (channel, payload) => channel === CHANNEL.error && reader.write(payload),
    strict: true,
    onLoss: 'end',
    limits,
    liveness: resolveLiveness(options),
  })
  const over = () => reader.end(channels.closed.reason)
  if (channels.closed.aborted) over()
  else channels.closed.addEventListener('abort', over, { once: true })
  return {
    protocol: ws.protocol,
    stdin: streams.stdin ? channels.writable(CHANNEL.stdin, true) : null,
    stdout: streams.stdout ? channels.readable(CHANNEL.stdout) : null,
    stderr: streams.stderr ? channels.readable(CHANNEL.stderr) : null,
    resize: (size) => channels.send(CHANNEL.resize, encodeResize(size)),
    status: reader.status,
    abort: (reason) => channels.fail(reason),
    closed: channels.closed,
    get bufferedBytes() {
      return channels.bufferedBytes
    },
  }
}
