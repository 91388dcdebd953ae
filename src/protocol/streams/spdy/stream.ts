import { Duplex } from 'node:stream'
import { StreamError } from '../stream-error.ts'
import { RST } from './frames.ts'
import type { SpdyHeaders } from './header-block.ts'

/** What a stream needs of its connection. */
export interface StreamTransport {
  readonly windowBytes: number
  /** Sends DATA; null to go on, a promise to wait for. */
  sendData(streamId: number, payload: Buffer, fin: boolean): Promise<void> | null
  sendReset(streamId: number, status: number): void
  /** The reader took something, or the stream closed: whoever waits for room looks again. */
  relieved(): void
  forget(stream: SpdyStream): void
}

/** Largest payload of one DATA frame that we send: small enough that streams take turns. */
const FRAME_BYTES = 32 << 10

/**
 * One stream of a SPDY connection. `end()` half-closes (FIN); `destroy()` before both halves are closed resets it.
 * An error without a listener is no uncaught exception: it is told by 'close' and by the connection.
 */
export class SpdyStream extends Duplex {
  readonly id: number
  /** Of the SYN_STREAM, names in lower case. */
  readonly headers: SpdyHeaders
  readonly #transport: StreamTransport
  #remoteFin = false
  #lost: Error | undefined

  constructor(transport: StreamTransport, id: number, headers: SpdyHeaders) {
    super({
      readableHighWaterMark: transport.windowBytes,
      writableHighWaterMark: FRAME_BYTES,
      allowHalfOpen: true,
    })
    this.id = id
    this.headers = headers
    this.#transport = transport
    this.on('error', () => {})
  }

  /** Whether the peer has said that it sends nothing more. */
  get remoteEnded(): boolean {
    return this.#remoteFin
  }

  /** Ends the stream at once in both directions (RST_STREAM). */
  reset(status: number = RST.cancel): void {
    if (this.destroyed) return
    this.#transport.sendReset(this.id, status)
    this.#lost = new StreamError('aborted', 'the stream was reset')
    this.destroy()
  }

  /** For the connection: bytes from the peer. False when the window is full. */
  receive(payload: Buffer, fin: boolean): boolean {
    if (this.destroyed || this.#remoteFin) return true
    let room = true
    if (payload.length > 0) room = this.push(payload)
    if (fin) {
      this.#remoteFin = true
      this.push(null)
    }
    return room || this.destroyed
  }

  /**
   * For the connection: the peer reset the stream, or the connection is over. What has arrived may still be read
   * when the peer had finished, or when `soft` says so.
   */
  lose(reason: Error, soft: boolean): void {
    if (this.destroyed || this.#lost) return
    this.#lost = reason
    if (!soft && !this.#remoteFin) {
      this.destroy(reason)
      return
    }
    if (!this.#remoteFin) this.push(null)
    this.#remoteFin = true
    if (this.writable) this.end()
  }

  /** Every way of consuming goes through here; `_read` alone would not tell of bytes taken below the mark. */
  override read(size?: number): unknown {
    const chunk: unknown = super.read(size)
    if (chunk !== null) this.#transport.relieved()
    return chunk
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    this.#send(chunk).then(() => callback(), callback)
  }

  async #send(chunk: Buffer): Promise<void> {
    for (let offset = 0; offset < chunk.length; offset += FRAME_BYTES) {
      if (this.#lost) throw this.#lost
      const wait = this.#transport.sendData(this.id, chunk.subarray(offset, offset + FRAME_BYTES), false)
      if (wait) await wait
    }
  }

  override _final(callback: (error?: Error | null) => void): void {
    if (!this.#lost) this.#transport.sendData(this.id, Buffer.alloc(0), true)?.catch(() => {}) // nothing waits for it
    callback()
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    const over = this.#remoteFin && this.writableFinished
    if (!over && !this.#lost) this.#transport.sendReset(this.id, RST.cancel)
    this.#lost ??= error ?? new StreamError('aborted', 'the stream was destroyed')
    this.#transport.forget(this)
    this.#transport.relieved()
    callback(error)
  }
}
