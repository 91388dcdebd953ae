/** Control frame types of SPDY/3 (draft-mbelshe-httpbis-spdy-00, section 2.6). */
export const TYPE = {
  synStream: 1,
  synReply: 2,
  rstStream: 3,
  settings: 4,
  ping: 6,
  goAway: 7,
  headers: 8,
  windowUpdate: 9,
} as const

export const FLAG_FIN = 1
export const FLAG_UNIDIRECTIONAL = 2

/** RST_STREAM status codes that we use. */
export const RST = { protocolError: 1, invalidStream: 2, refusedStream: 3, cancel: 5, internal: 6 } as const

const VERSION = 0x8003

/** A control frame of version 3. */
export function controlFrame(type: number, flags: number, body: Buffer): Buffer {
  const frame = Buffer.allocUnsafe(8 + body.length)
  frame.writeUInt16BE(VERSION, 0)
  frame.writeUInt16BE(type, 2)
  frame[4] = flags
  frame.writeUIntBE(body.length, 5, 3)
  body.copy(frame, 8)
  return frame
}

export function synStreamFrame(streamId: number, headerBlock: Buffer): Buffer {
  const head = Buffer.alloc(10) // no associated stream, highest priority: spdystream's own
  head.writeUInt32BE(streamId, 0)
  return controlFrame(TYPE.synStream, 0, Buffer.concat([head, headerBlock]))
}

export function synReplyFrame(streamId: number, headerBlock: Buffer): Buffer {
  return controlFrame(TYPE.synReply, 0, Buffer.concat([uint32s(streamId), headerBlock]))
}

export function rstStreamFrame(streamId: number, status: number): Buffer {
  return controlFrame(TYPE.rstStream, 0, uint32s(streamId, status))
}

export function pingFrame(id: number): Buffer {
  return controlFrame(TYPE.ping, 0, uint32s(id))
}

export function goAwayFrame(lastStreamId: number): Buffer {
  return controlFrame(TYPE.goAway, 0, uint32s(lastStreamId, 0))
}

/** The header of a DATA frame; the payload follows as it is, without a copy. */
export function dataFrameHeader(streamId: number, length: number, fin: boolean): Buffer {
  const head = Buffer.allocUnsafe(8)
  head.writeUInt32BE(streamId, 0)
  head[4] = fin ? FLAG_FIN : 0
  head.writeUIntBE(length, 5, 3)
  return head
}

function uint32s(...values: number[]): Buffer {
  const bytes = Buffer.allocUnsafe(4 * values.length)
  values.forEach((value, index) => {
    bytes.writeUInt32BE(value, 4 * index)
  })
  return bytes
}
