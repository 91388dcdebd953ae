import type { Duplex } from 'node:stream'
import { resolveLimits, type StreamLimits } from '../limits.ts'
import { asError, StreamError } from '../stream-error.ts'
import { SpdyFrameReader } from './frame-reader.ts'
import {
  dataFrameHeader,
  FLAG_FIN,
  FLAG_UNIDIRECTIONAL,
  goAwayFrame,
  pingFrame,
  RST,
  rstStreamFrame,
  synReplyFrame,
  synStreamFrame,
  TYPE,
} from './frames.ts'
import { createHeaderDecoder, createHeaderEncoder, type SpdyHeaders } from './header-block.ts'
import { SpdyStream, type StreamTransport } from './stream.ts'

export interface SpdyConnectionOptions {
  /** The upgraded socket, or a tunnel, with what was read beyond the handshake unshifted into it. */
  stream: Duplex
  /** Servers answer odd stream ids, clients open them. */
  role: 'server' | 'client'
  limits?: Partial<StreamLimits>
  /** A stream that the peer opened; it is already answered. Reset it if it is not wanted. */
  onStream?(stream: SpdyStream): void
  /** Called for DATA in either direction, for idle clocks. */
  onData?(direction: 'in' | 'out'): void
  /** Called when anything at all was heard. */
  onHeard?(): void
}

/** A SPDY/3.1 connection as Kubernetes speaks it: no flow control windows, back-pressure by not reading. */
export interface SpdyConnection {
  /** Opens a stream; resolves with it when the peer has answered. @throws StreamError `setup`, `gone`, `aborted` */
  openStream(headers: SpdyHeaders): Promise<SpdyStream>
  ping(): void
  /** GOAWAY, then the end of the connection, in order after all that was written. Resolves when it is closed. */
  close(): Promise<void>
  /** Ends it now. */
  abort(reason: Error): void
  readonly closed: AbortSignal
  readonly bufferedBytes: number
  /** Whether data waits to be read by either side. */
  readonly blocked: boolean
}

interface Opening {
  stream: SpdyStream
  answer(error?: Error): void
}

/** Speaks SPDY/3.1 on `stream`, which it owns from now on. Nothing that the peer sends throws. */
export function createSpdyConnection(options: SpdyConnectionOptions): SpdyConnection {
  const { stream: socket, role } = options
  const limits = resolveLimits(options.limits)
  const controller = new AbortController()
  const reader = new SpdyFrameReader(limits.maxHeaderBytes)
  const decoder = createHeaderDecoder(limits.maxHeaderBytes)
  const encode = createHeaderEncoder()
  const streams = new Map<number, SpdyStream>()
  const opening = new Map<number, Opening>()
  const drains: (() => void)[] = []
  const roomWaiters: (() => void)[] = []
  let nextId = role === 'client' ? 1 : 2
  let lastPeerId = 0
  let nextPing = role === 'client' ? 1 : 2
  let inbound = 0
  let closing = false

  const wake = (list: (() => void)[]) => {
    for (const waiter of list.splice(0)) waiter()
  }
  const held = () => {
    let sum = 0
    for (const stream of streams.values()) sum += stream.readableLength
    return sum
  }
  const buffered = () => {
    let sum = socket.writableLength
    for (const stream of streams.values()) sum += stream.readableLength + stream.writableLength
    return sum
  }

  const die = (reason: Error) => {
    if (controller.signal.aborted) return
    controller.abort(reason)
    decoder.close()
    for (const stream of [...streams.values()]) stream.lose(reason, role === 'client')
    for (const { answer } of [...opening.values()]) answer(reason)
    wake(roomWaiters)
    wake(drains)
    socket.destroy()
  }

  const write = (...parts: Buffer[]): Promise<void> | null => {
    if (controller.signal.aborted || !socket.writable) return Promise.reject(gone())
    socket.cork()
    for (const part of parts) if (part.length > 0) socket.write(part)
    socket.uncork()
    if (!socket.writableNeedDrain) return null
    return new Promise<void>((resolve, reject) => {
      drains.push(() => (controller.signal.aborted ? reject(gone()) : resolve()))
    })
  }
  /** Answers are not waited for, or two peers that wait for each other would stand still; instead they are bounded. */
  const control = (frame: Buffer) => {
    write(frame)?.catch(() => {}) // told by `closed`
    if (socket.writableLength > limits.maxBufferedBytes) {
      die(new StreamError('limit', 'the peer does not read its answers'))
    }
  }
  const gone = () => new StreamError('gone', 'the connection is closed')

  const transport: StreamTransport = {
    windowBytes: limits.windowBytes,
    sendData(streamId, payload, fin) {
      options.onData?.('out')
      return write(dataFrameHeader(streamId, payload.length, fin), payload)
    },
    sendReset: (streamId, status) => control(rstStreamFrame(streamId, status)),
    relieved: () => wake(roomWaiters),
    forget: (stream) => {
      streams.delete(stream.id)
      opening.get(stream.id)?.answer(new StreamError('aborted', 'the stream was reset'))
    },
  }

  const onSynStream = async (flags: number, body: Buffer) => {
    if (body.length < 10) throw new StreamError('protocol', 'SYN_STREAM cut short')
    const id = body.readUInt32BE(0) & 0x7fffffff
    const headers = await decoder.decode(body.subarray(10))
    if (id % 2 !== (role === 'server' ? 1 : 0) || id <= lastPeerId) {
      control(rstStreamFrame(id, RST.protocolError))
      return
    }
    lastPeerId = id
    if (closing || streams.size >= limits.maxStreams || !options.onStream) {
      control(rstStreamFrame(id, RST.refusedStream))
      return
    }
    const stream = new SpdyStream(transport, id, headers)
    streams.set(id, stream)
    control(synReplyFrame(id, encode({})))
    if (flags & FLAG_UNIDIRECTIONAL) stream.end()
    if (flags & FLAG_FIN) stream.receive(Buffer.alloc(0), true)
    options.onStream(stream)
  }

  const onHeaders = async (type: number, flags: number, body: Buffer) => {
    if (body.length < 4) throw new StreamError('protocol', 'header frame cut short')
    const id = body.readUInt32BE(0) & 0x7fffffff
    await decoder.decode(body.subarray(4)) // read for the sake of the inflater's state
    if (type === TYPE.synReply) opening.get(id)?.answer()
    if (flags & FLAG_FIN) streams.get(id)?.receive(Buffer.alloc(0), true)
  }

  const onControl = async (type: number, flags: number, body: Buffer) => {
    if (type === TYPE.synStream) return onSynStream(flags, body)
    if (type === TYPE.synReply || type === TYPE.headers) return onHeaders(type, flags, body)
    if (type === TYPE.rstStream && body.length >= 8) {
      const id = body.readUInt32BE(0) & 0x7fffffff
      const reason = new StreamError('aborted', `the peer reset the stream (${body.readUInt32BE(4)})`)
      const stream = streams.get(id)
      opening.get(id)?.answer(reason)
      stream?.lose(reason, role === 'client')
    } else if (type === TYPE.ping && body.length >= 4) {
      const id = body.readUInt32BE(0)
      if (id % 2 === (role === 'server' ? 1 : 0)) control(pingFrame(id)) // the others answer ours
    }
    // SETTINGS, WINDOW_UPDATE, GOAWAY and what is unknown change nothing: moby/spdystream has no windows either.
  }

  const onData = async (streamId: number, payload: Buffer, fin: boolean) => {
    options.onData?.('in')
    const stream = streams.get(streamId)
    if (!stream) return // reset a moment ago: its last data is still on the way
    const room = stream.receive(payload, fin)
    inbound += payload.length
    while (!controller.signal.aborted) {
      if (inbound > limits.maxBufferedBytes) inbound = held()
      const full = inbound > limits.maxBufferedBytes
      const waiting = !room && !stream.destroyed && stream.readableLength >= limits.windowBytes
      if (!full && !waiting) return
      blocked = true
      await new Promise<void>((resolve) => roomWaiters.push(resolve))
      blocked = false
    }
  }
  let blocked = false

  const read = async () => {
    for await (const chunk of socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      options.onHeard?.()
      for (const event of reader.feed(chunk)) {
        if (controller.signal.aborted) return
        if (event.kind === 'data') await onData(event.streamId, event.payload, event.fin)
        else await onControl(event.type, event.flags, event.body)
      }
    }
  }
  const ended = () => new StreamError(closing ? 'ended' : 'gone', 'the peer closed the connection')
  socket.on('error', (cause) =>
    die(closing ? ended() : new StreamError('gone', 'the connection broke', { cause })),
  )
  socket.on('close', () => die(ended()))
  socket.on('drain', () => wake(drains))
  read().then(
    () => die(ended()),
    (error) => die(asError(error)),
  )

  return {
    openStream: (headers) =>
      new Promise((resolve, reject) => {
        if (controller.signal.aborted || closing) {
          reject(gone())
          return
        }
        const id = nextId
        nextId += 2
        const stream = new SpdyStream(transport, id, headers)
        const timer = setTimeout(() => {
          opening.get(id)?.answer(new StreamError('setup', 'the peer does not answer the stream'))
          stream.reset()
        }, limits.setupTimeoutMs)
        opening.set(id, {
          stream,
          answer(error) {
            clearTimeout(timer)
            opening.delete(id)
            if (error) reject(error)
            else resolve(stream)
          },
        })
        streams.set(id, stream)
        control(synStreamFrame(id, encode(headers)))
      }),
    ping() {
      control(pingFrame(nextPing))
      nextPing = (nextPing + 2) % 0x7fffffff
    },
    async close() {
      if (controller.signal.aborted) return
      closing = true
      control(goAwayFrame(lastPeerId))
      for (const stream of streams.values()) stream.resume() // nobody reads any more; drop it, up to the peer's end
      socket.end()
      setTimeout(() => socket.destroy(), limits.closeTimeoutMs).unref()
      await new Promise<void>((resolve) => {
        if (controller.signal.aborted) resolve()
        controller.signal.addEventListener('abort', () => resolve(), { once: true })
      })
    },
    abort: die,
    closed: controller.signal,
    get bufferedBytes() {
      return buffered()
    },
    get blocked() {
      return blocked || socket.writableLength > 0
    },
  }
}
