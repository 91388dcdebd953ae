import { randomBytes } from 'node:crypto'
import { duplexPair } from 'node:stream'
import { constants, createDeflate, createInflate } from 'node:zlib'
import fc from 'fast-check'
import {
  createSpdyConnection,
  type SpdyConnection,
  type SpdyConnectionOptions,
  type SpdyStream,
} from '../../../../../src/protocol/streams/index.ts'
import { headerDictionary, headerDictionaryId } from '../../../../../src/protocol/streams/spdy/dictionary.ts'
import { type SpdyEvent, SpdyFrameReader } from '../../../../../src/protocol/streams/spdy/frame-reader.ts'
import {
  controlFrame,
  dataFrameHeader,
  pingFrame,
  synStreamFrame,
} from '../../../../../src/protocol/streams/spdy/frames.ts'
import {
  createHeaderDecoder,
  createHeaderEncoder,
} from '../../../../../src/protocol/streams/spdy/header-block.ts'
import { eventually } from '../../../../support/eventually.ts'
import t from '../../../../support/tap.ts'
import { collect } from '../support.ts'

t.test('the dictionary is the one of SPDY/3', (t) => {
  let a = 1
  let b = 0
  for (const byte of headerDictionary) {
    a = (a + byte) % 65_521
    b = (b + a) % 65_521
  }
  t.equal(headerDictionary.length, 1423)
  t.equal(((b << 16) | a) >>> 0, headerDictionaryId)
  t.end()
})

t.test('header blocks survive the way through zlib, one after the other, of any size', async (t) => {
  const encode = createHeaderEncoder()
  const decoder = createHeaderDecoder(1 << 20)
  const headers = fc.dictionary(
    fc.stringMatching(/^[a-z-]{1,9}$/),
    fc.string({ unit: 'grapheme', maxLength: 20 }),
  )
  const roundTrip = fc.asyncProperty(headers, async (sent) => {
    const clean = Object.fromEntries(
      Object.entries(sent).map(([name, value]) => [name, value.replaceAll('\0', '')]),
    )
    t.same({ ...(await decoder.decode(encode(clean))) }, clean)
  })
  await fc.assert(roundTrip, { numRuns: 50 })
  const large = { a: 'x'.repeat(200_000) }
  t.equal((await decoder.decode(encode(large)))['a'], large.a, 'more than one stored block')
  decoder.close()
})

t.test('header blocks of an ordinary compressor are read, and ours by an ordinary inflater', async (t) => {
  const options = { dictionary: headerDictionary, flush: constants.Z_SYNC_FLUSH }
  const plain = Buffer.from('\0\0\0\x01\0\0\0\x0astreamType\0\0\0\x05error', 'latin1')
  const deflate = createDeflate(options)
  const decoder = createHeaderDecoder(1000)
  for (let round = 0; round < 3; round++) {
    deflate.write(plain)
    const block = await eventually('compressed', () => deflate.read() as Buffer | null)
    t.same({ ...(await decoder.decode(block)) }, { streamtype: 'error' })
  }
  decoder.close()
  deflate.destroy()

  const inflate = createInflate(options)
  const encode = createHeaderEncoder()
  for (let round = 0; round < 3; round++) {
    inflate.write(encode({ streamType: 'error' }))
    const block = await eventually('inflated', () => inflate.read() as Buffer | null)
    t.equal(block.toString('latin1'), plain.toString('latin1').replace('streamType', 'streamtype'))
  }
  inflate.destroy()
})

t.test('frames are the same however the bytes are cut', (t) => {
  const bytes = Buffer.concat([
    pingFrame(1),
    dataFrameHeader(3, 5, false),
    Buffer.from('hello'),
    controlFrame(4, 0, Buffer.alloc(100, 7)),
    dataFrameHeader(3, 0, true),
    dataFrameHeader(5, 3, true),
    Buffer.from('end'),
  ])
  const summary = (chunks: Buffer[]) => {
    const reader = new SpdyFrameReader(1000)
    const data = new Map<number, string>()
    const rest: unknown[] = []
    for (const event of chunks.flatMap((chunk): SpdyEvent[] => [...reader.feed(chunk)])) {
      if (event.kind === 'control') rest.push([event.type, event.flags, event.body.toString('hex')])
      else data.set(event.streamId, (data.get(event.streamId) ?? '') + event.payload + (event.fin ? '|' : ''))
    }
    return { rest, data: [...data] }
  }
  const whole = summary([bytes])
  t.same(whole.data, [
    [3, 'hello|'],
    [5, 'end|'],
  ])
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: bytes.length })), (cuts) => {
      const edges = [0, ...cuts.sort((x, y) => x - y), bytes.length]
      const chunks = edges.slice(1).map((edge, index) => bytes.subarray(edges[index], edge))
      t.same(summary(chunks), whole)
    }),
    { numRuns: 50 },
  )
  t.end()
})

/** Two connections back to back, and the raw peer's end where only one is ours. */
function pair(server: Partial<SpdyConnectionOptions> = {}, client: Partial<SpdyConnectionOptions> = {}) {
  const [near, far] = duplexPair()
  const accepted: SpdyStream[] = []
  const onStream = (stream: SpdyStream) => accepted.push(stream)
  const ours = createSpdyConnection({ stream: near, role: 'server', onStream, ...server })
  const theirs = createSpdyConnection({ stream: far, role: 'client', ...client })
  return { ours, theirs, accepted }
}

function rawPeer(server: Partial<SpdyConnectionOptions> = {}) {
  const [near, far] = duplexPair()
  const heard: Buffer[] = []
  far.on('data', (chunk: Buffer) => heard.push(chunk))
  far.on('error', () => {})
  const accepted: SpdyStream[] = []
  const onStream = (stream: SpdyStream) => accepted.push(stream)
  const connection = createSpdyConnection({ stream: near, role: 'server', onStream, ...server })
  return { connection, far, accepted, heard: () => Buffer.concat(heard) }
}

t.test('interleaved streams keep their bytes and their ends apart', async (t) => {
  const { ours, theirs, accepted } = pair()
  const streams = await Promise.all(Array.from({ length: 10 }, (_, n) => theirs.openStream({ n: String(n) })))
  t.equal(accepted.length, 10)
  for (const stream of accepted) stream.pipe(stream)
  const results = await Promise.all(
    streams.map(async (stream, index) => {
      const bytes = randomBytes(index * 50_000)
      stream.end(bytes)
      return (await collect(stream)).equals(bytes)
    }),
  )
  t.ok(results.every(Boolean))
  await eventually('nothing is kept of them', () => ours.bufferedBytes === 0)
  ours.abort(new Error('test over'))
})

t.test('half-close: each side ends by itself', async (t) => {
  const { theirs, ours, accepted } = pair()
  const stream = await theirs.openStream({})
  const other = accepted[0] as SpdyStream
  stream.end('question')
  t.equal((await collect(other)).toString(), 'question')
  other.end('answer')
  t.equal((await collect(stream)).toString(), 'answer')
  theirs.abort(new Error('test over'))
  await eventually('both closed', () => ours.closed.aborted)
})

t.test('a reset ends one stream and the connection goes on', async (t) => {
  const { theirs, accepted } = pair()
  const [first, second] = await Promise.all([theirs.openStream({}), theirs.openStream({})])
  ;(accepted[0] as SpdyStream).reset()
  t.equal((await collect(first as SpdyStream)).length, 0)
  first?.write('into the void')
  second?.end('fine')
  t.equal((await collect(accepted[1] as SpdyStream)).toString(), 'fine')
  theirs.abort(new Error('test over'))
})

t.test('pings are answered, both ways, and ours are not echoed for ever', async (t) => {
  const { far, connection, heard } = rawPeer()
  far.write(pingFrame(7))
  await eventually('answered', () => heard().equals(pingFrame(7)))
  connection.ping()
  await eventually('sent', () => heard().equals(Buffer.concat([pingFrame(7), pingFrame(2)])))
  far.write(pingFrame(2))
  far.write(pingFrame(9))
  await eventually('only the peer’s own is answered', () => heard().length === 3 * 12)
  t.ok(heard().subarray(24).equals(pingFrame(9)))
  connection.abort(new Error('test over'))
})

const encoded = () => createHeaderEncoder()({ streamtype: 'error' })
const ends: [string, Buffer, string][] = [
  ['another version', Buffer.from([0x80, 2, 0, 1, 0, 0, 0, 0]), 'protocol'],
  ['HTTP', Buffer.from('\x80GET / HTTP/1.1\r\n\r\n'), 'protocol'],
  ['a control frame over the limit', Buffer.from([0x80, 3, 0, 1, 0, 0xff, 0xff, 0xff]), 'limit'],
  ['a SYN_STREAM cut short', controlFrame(1, 0, Buffer.alloc(4)), 'protocol'],
  ['headers that are no zlib', synStreamFrame(1, Buffer.from('rubbish!')), 'protocol'],
  ['headers cut short', synStreamFrame(1, encoded().subarray(0, -12)), 'protocol'],
]
for (const [name, bytes, end] of ends) {
  t.test(`${name} ends the connection with "${end}"`, async (t) => {
    const { far, connection } = rawPeer()
    far.write(bytes)
    await eventually('closed', () => connection.closed.aborted)
    t.match(connection.closed.reason, { name: 'StreamError', end })
  })
}

t.test('a header bomb ends the connection before it is in memory', async (t) => {
  const deflate = createDeflate({ dictionary: headerDictionary, flush: constants.Z_SYNC_FLUSH })
  deflate.write(Buffer.alloc(30 << 20))
  deflate.end()
  const bomb = await collect(deflate)
  t.ok(bomb.length < 60_000, `${bomb.length} bytes for 30 MiB`)
  const { far, connection } = rawPeer()
  far.write(synStreamFrame(1, bomb))
  await eventually('closed', () => connection.closed.aborted)
  t.match(connection.closed.reason, { end: 'limit' })
})

t.test(
  'streams over the limit, with a used id, or of the wrong side are refused, the others go on',
  async (t) => {
    const { far, accepted, heard, connection } = rawPeer({ limits: { maxStreams: 2 } })
    const encode = createHeaderEncoder()
    for (const id of [1, 3, 5, 3, 2]) far.write(synStreamFrame(id, encode({ n: String(id) })))
    const resets = () => {
      const events = [...new SpdyFrameReader(1000).feed(heard())]
      return events.flatMap((event) =>
        event.kind === 'control' && event.type === 3
          ? [[event.body.readUInt32BE(0), event.body.readUInt32BE(4)]]
          : [],
      )
    }
    await eventually('answered', () => resets().length === 3)
    t.same(resets(), [
      [5, 3],
      [3, 1],
      [2, 1],
    ])
    t.same(
      accepted.map((stream) => stream.id),
      [1, 3],
    )
    far.write(
      Buffer.concat([
        dataFrameHeader(99, 2, false),
        Buffer.from('??'),
        dataFrameHeader(3, 2, true),
        Buffer.from('ok'),
      ]),
    )
    t.equal((await collect(accepted[1] as SpdyStream)).toString(), 'ok', 'data for nobody is dropped')
    connection.abort(new Error('test over'))
  },
)

t.test('a DATA frame of 16 MiB is passed on in pieces: it is never held whole', async (t) => {
  const { far, accepted, connection } = rawPeer()
  far.write(synStreamFrame(1, encoded()))
  const stream = await eventually('accepted', () => accepted[0])
  const size = (1 << 24) - 1
  far.write(dataFrameHeader(1, size, true))
  for (let sent = 0; sent < size; sent += 1 << 20) far.write(Buffer.alloc(Math.min(1 << 20, size - sent)))
  await eventually('it waits', () => stream.readableLength >= 256 << 10)
  t.ok(connection.bufferedBytes < 4 << 20, `${connection.bufferedBytes} bytes held`)
  t.equal((await collect(stream)).length, size)
  connection.abort(new Error('test over'))
})

t.test('many unread streams together stay under the cap, and go on when they are read', async (t) => {
  const cap = 1 << 20
  const { theirs, ours, accepted } = pair({ limits: { maxBufferedBytes: cap } })
  const streams = await Promise.all(Array.from({ length: 30 }, () => theirs.openStream({})))
  for (const stream of streams) stream.end(Buffer.alloc(200_000)) // below a window each, 6 MB together
  await eventually('it waits', () => ours.blocked && ours.bufferedBytes > cap / 2)
  t.ok(ours.bufferedBytes <= cap + (128 << 10), `${ours.bufferedBytes} bytes held`)
  const read = await Promise.all(accepted.map(collect))
  t.equal(
    read.reduce((sum, bytes) => sum + bytes.length, 0),
    6_000_000,
  )
  theirs.abort(new Error('test over'))
})

t.test('a peer that floods pings and reads nothing is ended', async (t) => {
  const [near, far] = duplexPair()
  const connection = createSpdyConnection({
    stream: near,
    role: 'server',
    limits: { maxBufferedBytes: 64 << 10 },
  })
  far.on('error', () => {})
  const flood = Buffer.concat(Array.from({ length: 1000 }, () => pingFrame(1)))
  for (let round = 0; round < 100; round++) far.write(flood)
  await eventually('ended', () => connection.closed.aborted)
  t.match(connection.closed.reason, { end: 'limit' })
})

t.test(
  'closing: GOAWAY after all that was written, then the end; open streams of the peer end',
  async (t) => {
    const { theirs, ours, accepted } = pair()
    const stream = await theirs.openStream({})
    accepted[0]?.end('last words')
    const closed = ours.close()
    t.equal((await collect(stream)).toString(), 'last words')
    await closed
    t.match(ours.closed.reason, { end: 'ended' })
    await t.rejects(theirs.openStream({}), { name: 'StreamError' })
    await t.rejects(ours.openStream({}), { name: 'StreamError' })
  },
)

t.test('a peer that does not answer a stream, or refuses it, makes openStream reject', async (t) => {
  const [near, far] = duplexPair()
  far.resume()
  const silent: SpdyConnection = createSpdyConnection({
    stream: near,
    role: 'client',
    limits: { setupTimeoutMs: 20 },
  })
  const problem = await silent.openStream({}).catch((error: unknown) => error)
  t.match(problem, { name: 'StreamError', end: 'setup' })
  silent.abort(new Error('test over'))
  const { theirs } = pair({ onStream: (stream) => stream.reset(), limits: { maxStreams: 0 } })
  const refusal = await theirs.openStream({}).catch((error: unknown) => error)
  t.match(refusal, { name: 'StreamError', end: 'aborted' })
  theirs.abort(new Error('test over'))
})
