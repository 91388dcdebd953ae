import { Readable, Writable } from 'node:stream'
import type { RawData, WebSocket } from 'ws'
import { CHANNEL, CHANNELS, channelOf, encodeMessage, MESSAGE_BYTES, payloadOf } from './channel-codec.ts'
import type { LivenessLimits, StreamLimits } from './limits.ts'
import { watchLiveness } from './liveness.ts'
import type { ChannelProtocol } from './protocols.ts'
import { asError, closeCodeOf, closeTextOf, StreamError } from './stream-error.ts'
import { createWsSender } from './ws-sender.ts'

export interface ChannelSocketOptions {
  /** Open. May be paused (`whenOpen`, `upgradeWebSocket` leave it so): it is resumed here. */
  ws: WebSocket
  protocol: ChannelProtocol
  /** Channels whose bytes become a Readable. */
  streams: number[]
  /** Channels whose messages are handed over at once; they are small. */
  onMessage(channel: number, payload: Buffer): void
  /**
   * How odd messages are taken. As a server Kubernetes ignores empty messages and reads text as bytes; as a client
   * (`strict`) it ends the session. Unknown channels are ignored by both, a CLOSE of a channel that does not exist
   * by none.
   */
  strict: boolean
  /** What becomes of the Readables when the peer vanishes: destroyed, or ended after what has arrived. */
  onLoss: 'destroy' | 'end'
  limits: StreamLimits
  liveness: LivenessLimits
}

/** A WebSocket seen as its channels. */
export interface ChannelSocket {
  readable(channel: number): Readable
  /** A Writable whose end sends CLOSE where `closeAtEnd` says so and the protocol has it. */
  writable(channel: number, closeAtEnd: boolean): Writable
  /** Sends without waiting; lost where the socket is gone. */
  send(channel: number, payload: Buffer): void
  /** Goodbye in order, once everything is flushed. Resolves when the connection is closed. */
  close(): Promise<void>
  /** Ends it now for this reason. */
  fail(reason: Error): void
  readonly closed: AbortSignal
  readonly bufferedBytes: number
}

export function createChannelSocket(options: ChannelSocketOptions): ChannelSocket {
  const { ws, protocol, limits } = options
  const { base64 } = protocol
  const controller = new AbortController()
  const sender = createWsSender(ws, limits.windowBytes)
  const readables = new Map<number, Readable>()
  const writables = new Map<number, Writable>()
  const full = new Set<number>()
  let failure: Error | undefined
  let closing = false

  const buffered = () => {
    let sum = sender.pending
    for (const stream of readables.values()) sum += stream.readableLength
    for (const stream of writables.values()) sum += stream.writableLength
    return sum
  }
  const release = (channel: number) => {
    if (full.delete(channel) && full.size === 0) ws.resume()
  }
  const fail = (reason: Error) => {
    if (failure || ws.readyState === ws.CLOSED) return
    failure = reason
    ws.close(closeCodeOf(reason), closeTextOf(reason))
    ws.resume()
    // A peer that answers gets its close frame; one that does not is cut off. Nobody waits for either.
    setTimeout(() => ws.terminate(), Math.min(limits.closeTimeoutMs, 1_000)).unref()
    settle(reason)
  }
  const liveness = watchLiveness(options.liveness, {
    ping: () => ws.readyState === ws.OPEN && ws.ping(),
    blocked: () => full.size > 0 || sender.pending > 0,
    fail,
  })
  const settle = (reason: Error) => {
    if (controller.signal.aborted) return
    liveness.stop()
    for (const stream of readables.values()) {
      if (options.onLoss === 'end' || isOrderly(reason)) stream.push(null)
      else stream.destroy(reason)
    }
    for (const stream of writables.values()) stream.destroy(isOrderly(reason) ? undefined : reason)
    controller.abort(reason)
  }

  for (const channel of options.streams) {
    const stream = new Readable({ highWaterMark: limits.windowBytes, read: () => release(channel) })
    stream.on('error', () => {}) // told by `closed`; a Readable without listeners must not end the process
    stream.on('close', () => release(channel))
    readables.set(channel, stream)
  }

  const deliver = (channel: number, payload: Buffer) => {
    const stream = readables.get(channel)
    if (!stream) {
      options.onMessage(channel, payload)
    } else if (!stream.destroyed && !stream.readableEnded && !ended.has(channel)) {
      if (!stream.push(payload)) {
        full.add(channel)
        ws.pause()
      }
    }
    if (buffered() > limits.maxBufferedBytes) fail(new StreamError('limit', 'too many bytes buffered'))
  }
  const ended = new Set<number>()
  const endOf = (message: Buffer) => {
    const channel = message[1] ?? CHANNELS
    if (message.length !== 2 || channel >= CHANNELS) {
      fail(new StreamError('protocol', 'malformed CLOSE'))
      return
    }
    const stream = readables.get(channel)
    if (!stream || ended.has(channel)) return
    ended.add(channel)
    stream.push(null)
  }

  ws.on('message', (data: RawData, isBinary: boolean) => {
    if (failure || closing) return
    const message = asBuffer(data)
    liveness.moved()
    liveness.heard()
    if (options.strict && (message.length === 0 || isBinary === base64)) {
      fail(new StreamError('protocol', message.length === 0 ? 'empty message' : 'wrong kind of message'))
      return
    }
    if (message.length === 0) return
    if (protocol.closeFrames && message[0] === CHANNEL.close) {
      endOf(message)
      return
    }
    const channel = channelOf(message, base64)
    const payload = payloadOf(message, base64)
    if (channel >= CHANNELS || !payload || payload.length === 0) return
    deliver(channel, payload)
  })
  ws.on('pong', () => liveness.heard())
  ws.on('ping', () => liveness.heard())
  ws.on('error', (error) => {
    // ws has already sent the close code; not every peer answers it, so nobody waits for that.
    const tooBig = (error as NodeJS.ErrnoException).code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH'
    const [end, text] = tooBig
      ? (['limit', 'message too large'] as const)
      : (['protocol', 'malformed frame'] as const)
    failure ??= new StreamError(end, text, { cause: error })
    setTimeout(() => ws.terminate(), Math.min(limits.closeTimeoutMs, 1_000)).unref()
    settle(failure)
  })
  ws.on('close', (code) => {
    const orderly = code === 1000 || code === 1005 || closing // 1005: a goodbye without a code
    settle(failure ?? new StreamError(orderly ? 'ended' : 'gone', `closed with ${code}`))
  })
  if (ws.readyState === ws.CLOSED) settle(new StreamError('gone', 'closed before it was used'))
  else ws.resume()

  const writeAll = async (channel: number, chunk: Buffer) => {
    for (let offset = 0; offset < chunk.length; offset += MESSAGE_BYTES) {
      const piece = chunk.subarray(offset, offset + MESSAGE_BYTES)
      liveness.moved()
      const wait = sender.send(encodeMessage(channel, piece, base64), !base64)
      if (wait) await wait
    }
  }

  return {
    readable: (channel) => readables.get(channel) as Readable,
    writable(channel, closeAtEnd) {
      const stream = new Writable({
        highWaterMark: Math.min(limits.windowBytes, 64 << 10),
        write: (chunk: Buffer, _encoding, callback) => {
          writeAll(channel, chunk).then(() => callback(), callback)
        },
        final: (callback) => {
          if (closeAtEnd && protocol.closeFrames) {
            sender.send(Buffer.from([CHANNEL.close, channel]), true)?.catch(() => {}) // `closed` tells
          }
          callback()
        },
      })
      stream.on('error', () => {})
      writables.set(channel, stream)
      if (controller.signal.aborted) stream.destroy(asError(controller.signal.reason))
      return stream
    },
    send(channel, payload) {
      liveness.moved()
      sender.send(encodeMessage(channel, payload, base64), !base64)?.catch(() => {}) // `closed` tells
    },
    async close() {
      if (controller.signal.aborted) return
      await sender.flushed()
      closing = true
      for (const stream of readables.values()) {
        if (options.onLoss === 'end') stream.push(null)
        else stream.destroy()
      }
      ws.close(1000)
      ws.resume()
      setTimeout(() => ws.terminate(), limits.closeTimeoutMs).unref()
      await aborted(controller.signal)
    },
    fail,
    closed: controller.signal,
    get bufferedBytes() {
      return buffered()
    },
  }
}

function isOrderly(reason: Error): boolean {
  return reason instanceof StreamError && reason.end === 'ended'
}

function asBuffer(data: RawData): Buffer {
  if (Buffer.isBuffer(data)) return data
  return Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data)
}

/** Resolves once the signal is aborted. */
export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}
