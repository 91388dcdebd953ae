import { StreamError } from '../stream-error.ts'
import { FLAG_FIN } from './frames.ts'

/** What a byte stream of SPDY/3 says, in order. DATA comes in pieces as it arrives, `fin` with the last one. */
export type SpdyEvent =
  | { kind: 'control'; type: number; flags: number; body: Buffer }
  | { kind: 'data'; streamId: number; payload: Buffer; fin: boolean }

const HEADER_BYTES = 8

interface DataState {
  streamId: number
  left: number
  fin: boolean
}

/**
 * Cuts a byte stream into frames. Holds at most one control frame; a DATA frame of 16 MiB is passed on piece by
 * piece, so its size costs nothing.
 * @throws StreamError `protocol` for another version, `limit` for a control frame over `maxControlBytes`
 */
export class SpdyFrameReader {
  readonly #maxControlBytes: number
  #held = Buffer.alloc(0)
  #data: DataState | undefined

  constructor(maxControlBytes: number) {
    this.#maxControlBytes = maxControlBytes
  }

  *feed(chunk: Buffer): Generator<SpdyEvent> {
    let rest = chunk
    while (rest.length > 0) {
      if (this.#data) {
        const payload = rest.subarray(0, this.#data.left)
        rest = rest.subarray(payload.length)
        yield this.#piece(this.#data, payload)
        continue
      }
      const header = this.#fill(rest, HEADER_BYTES)
      if (!header) return
      rest = header.rest
      const length = this.#held.readUIntBE(5, 3)
      if ((this.#held[0] as number) & 0x80) {
        this.#checkControl(length)
        const frame = this.#fill(rest, HEADER_BYTES + length)
        if (!frame) return
        rest = frame.rest
        const held = this.#held
        this.#held = Buffer.alloc(0)
        yield {
          kind: 'control',
          type: held.readUInt16BE(2),
          flags: held[4] as number,
          body: held.subarray(HEADER_BYTES),
        }
      } else {
        const streamId = this.#held.readUInt32BE(0)
        const state = { streamId, left: length, fin: ((this.#held[4] as number) & FLAG_FIN) !== 0 }
        this.#held = Buffer.alloc(0)
        if (length > 0) this.#data = state
        else yield this.#piece(state, Buffer.alloc(0))
      }
    }
  }

  #piece(state: DataState, payload: Buffer): SpdyEvent {
    state.left -= payload.length
    if (state.left === 0) this.#data = undefined
    return { kind: 'data', streamId: state.streamId, payload, fin: state.fin && state.left === 0 }
  }

  #checkControl(length: number): void {
    if (this.#held.readUInt16BE(0) !== 0x8003) throw new StreamError('protocol', 'not SPDY/3')
    if (length > this.#maxControlBytes) throw new StreamError('limit', 'control frame too large')
  }

  /** Holds bytes of `rest` until there are `size`; undefined while there are fewer. */
  #fill(rest: Buffer, size: number): { rest: Buffer } | undefined {
    const missing = Math.max(0, size - this.#held.length)
    this.#held = Buffer.concat([this.#held, rest.subarray(0, missing)])
    return this.#held.length < size ? undefined : { rest: rest.subarray(missing) }
  }
}
