import { constants, createInflate } from 'node:zlib'
import { StreamError } from '../stream-error.ts'
import { headerDictionary, headerDictionaryId } from './dictionary.ts'

/** Header names in lower case; several values of one name are joined by NUL on the wire, here by a comma. */
export type SpdyHeaders = Record<string, string>

const STORED_MAX = 0xffff
/** An empty stored block: what a sync flush ends with, and what makes Go's inflater hand out what it has. */
const FLUSH = Buffer.from([0, 0, 0, 0xff, 0xff])

/**
 * Writes header blocks of one direction. They are *stored* deflate blocks: valid for every inflater, without a
 * compressor's state to wait for (so frames go out in the order of the calls), and nothing for CRIME to measure.
 */
export function createHeaderEncoder(): (headers: SpdyHeaders) => Buffer {
  let started = false
  return (headers) => {
    const plain = serialise(headers)
    const parts: Buffer[] = []
    if (!started) parts.push(zlibHeader())
    started = true
    for (let offset = 0; offset < plain.length; offset += STORED_MAX) {
      const piece = plain.subarray(offset, offset + STORED_MAX)
      const head = Buffer.alloc(5) // 0: not the last block, stored
      head.writeUInt16LE(piece.length, 1)
      head.writeUInt16LE(~piece.length & 0xffff, 3)
      parts.push(head, piece)
    }
    parts.push(FLUSH)
    return Buffer.concat(parts)
  }
}

/** CMF 0x78, FLG 0x20 (FDICT; 0x7820 is a multiple of 31, RFC 1950, 2.2), the dictionary's Adler-32. */
function zlibHeader(): Buffer {
  const header = Buffer.alloc(6)
  header.writeUInt16BE(0x7820, 0)
  header.writeUInt32BE(headerDictionaryId, 2)
  return header
}

function serialise(headers: SpdyHeaders): Buffer {
  const entries = Object.entries(headers)
  const parts = [uint32(entries.length)]
  for (const [name, value] of entries) {
    for (const text of [name.toLowerCase(), value]) {
      const bytes = Buffer.from(text, 'utf8')
      parts.push(uint32(bytes.length), bytes)
    }
  }
  return Buffer.concat(parts)
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value, 0)
  return bytes
}

/** Reads header blocks of one direction, one after the other: every block, also of frames that are ignored. */
export interface HeaderDecoder {
  /** @throws StreamError `protocol` for bad data, `limit` for a block that inflates to more than `maxBytes` */
  decode(block: Buffer): Promise<SpdyHeaders>
  close(): void
}

export function createHeaderDecoder(maxBytes: number): HeaderDecoder {
  const inflate = createInflate({ dictionary: headerDictionary, flush: constants.Z_SYNC_FLUSH })
  let parts: Buffer[] = []
  let size = 0
  let failure: StreamError | undefined
  let fail: ((error: StreamError) => void) | undefined
  const broken = (error: StreamError) => {
    failure ??= error
    inflate.destroy()
    fail?.(failure)
  }
  inflate.on('data', (part: Buffer) => {
    size += part.length
    if (size > maxBytes) broken(new StreamError('limit', 'header block too large'))
    else parts.push(part)
  })
  inflate.on('error', (cause) => broken(new StreamError('protocol', 'malformed header block', { cause })))
  inflate.on('end', () => broken(new StreamError('protocol', 'the header stream was ended')))
  return {
    decode: (block) =>
      new Promise((resolve, reject) => {
        if (failure) {
          reject(failure)
          return
        }
        fail = reject
        parts = []
        size = 0
        inflate.write(block, (error) => {
          if (error || failure) return // told by `broken`
          inflate.read() // what is still held comes as 'data'
          try {
            resolve(parse(Buffer.concat(parts)))
          } catch (problem) {
            reject(problem)
          }
        })
      }),
    close() {
      broken(new StreamError('gone', 'the connection is closed'))
    },
  }
}

function parse(bytes: Buffer): SpdyHeaders {
  let offset = 0
  const take = (length: number) => {
    if (length > bytes.length - offset) throw new StreamError('protocol', 'header block cut short')
    offset += length
    return bytes.subarray(offset - length, offset)
  }
  const number = () => take(4).readUInt32BE(0)
  const count = number()
  if (count > bytes.length / 8) throw new StreamError('protocol', 'more headers than bytes')
  const headers: SpdyHeaders = Object.create(null)
  for (let index = 0; index < count; index++) {
    const name = take(number()).toString('utf8').toLowerCase()
    headers[name] = take(number()).toString('utf8').replaceAll('\0', ',')
  }
  return headers
}
