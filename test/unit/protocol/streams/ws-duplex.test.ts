import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import type { WebSocket } from 'ws'
import {
  type LegOptions,
  resolveLimits,
  StreamError,
  upgradeWebSocket,
  webSocketDuplex,
  whenOpen,
} from '../../../../src/protocol/streams/index.ts'
import { eventually } from '../../../support/eventually.ts'
import t, { type Test } from '../../../support/tap.ts'
import { collect, loopback, openWs } from './support.ts'

/** Both ends of a WebSocket; the far one plain. */
async function ends(t: Test, options: LegOptions = {}) {
  const accepted: WebSocket[] = []
  const { port } = await loopback(t, async (req, socket, head) => {
    accepted.push(
      await upgradeWebSocket({ req, socket, head, protocol: '', limits: resolveLimits(options.limits) }),
    )
  })
  const far = await whenOpen(openWs(port, []))
  far.resume()
  const near = webSocketDuplex(await eventually('accepted', () => accepted[0]), options)
  return { near, far }
}

t.test('bytes go both ways, and end() flushes and says goodbye', async (t) => {
  const { near, far } = await ends(t)
  const messages: Buffer[] = []
  far.on('message', (data: Buffer) => messages.push(data))
  const code = new Promise((resolve) => far.once('close', resolve))
  const bytes = randomBytes(1 << 20)
  far.send('wrong kind'.slice(0, 0), { binary: true }) // an empty message is no end
  far.send(bytes.subarray(0, 1000))
  near.end(bytes)
  t.ok((await collect(near)).equals(bytes.subarray(0, 1000)))
  t.equal(await code, 1000)
  t.ok(Buffer.concat(messages).equals(bytes))
})

t.test('the goodbye of the peer is the end, with or without a code; anything else an error', async (t) => {
  for (const [code, orderly] of [
    [1000, true],
    [undefined, true],
    [1011, false],
    [4401, false],
  ] as const) {
    const { near, far } = await ends(t)
    far.send(Buffer.from('last words'))
    far.close(code)
    const got = await collect(near).catch((error: unknown) => error)
    if (orderly) t.equal(String(got), 'last words')
    else t.match(got, { name: 'StreamError', end: 'gone' })
    await eventually('destroyed', () => near.destroyed)
  }
})

t.test('a peer that vanishes destroys it at once, also without listeners', async (t) => {
  const { near, far } = await ends(t)
  near.resume()
  far.terminate()
  await eventually('destroyed', () => near.destroyed, 2_000)
  t.match(near.errored, { end: 'gone' })
})

t.test('a text message ends it with 1003, one over the limit with 1009', async (t) => {
  for (const [message, code] of [
    ['text', 1003],
    [Buffer.alloc(2000), 1009],
  ] as const) {
    const { near, far } = await ends(t, { limits: { maxPayloadBytes: 1000 } })
    near.resume()
    const closed = new Promise((resolve) => far.once('close', resolve))
    far.send(message)
    t.equal(await closed, code)
    t.ok(near.destroyed)
  }
})

t.test('destroy tells the peer the close code of its reason', async (t) => {
  const { near, far } = await ends(t)
  const closed = new Promise((resolve) => far.once('close', resolve))
  near.destroy(new StreamError('aborted', 'revoked', { closeCode: 4401 }))
  t.equal(await closed, 4401)
})

t.test(
  '200 MB towards a peer that does not read stay outside memory, and so do 64 MB that are not read',
  async (t) => {
    const { near, far } = await ends(t)
    far.pause()
    let produced = 0
    const source = new Readable({
      read() {
        produced += 64 << 10
        this.push(produced > 200 << 20 ? null : Buffer.alloc(64 << 10))
      },
    })
    source.pipe(near)
    let last = -1
    let same = 0
    await eventually('the source is paused', () => {
      same = produced === last ? same + 1 : 0
      last = produced
      return same >= 10
    })
    t.ok(produced < 100 << 20, `stopped after ${produced} bytes`)
    source.unpipe(near)
    far.resume()

    const chunk = Buffer.alloc(64 << 10)
    for (let sent = 0; sent < 64 << 20; sent += chunk.length) far.send(chunk)
    far.close(1000)
    await eventually('the window is full', () => near.readableLength >= 256 << 10)
    await eventually('the peer’s socket is blocked', () => far.bufferedAmount > 32 << 20)
    t.ok(near.readableLength <= 1 << 20, `${near.readableLength} bytes held`)
    t.equal((await collect(near)).length, 64 << 20)
  },
)

t.test('pings: a peer that answers none is given up, an idle one too', async (t) => {
  const silent = await ends(t, { pingIntervalMs: 20, pongTimeoutMs: 200 })
  silent.far.pause()
  silent.near.resume()
  await eventually('given up', () => silent.near.destroyed)
  t.match(silent.near.errored, { end: 'unresponsive' })
  const idle = await ends(t, { pingIntervalMs: 20, idleTimeoutMs: 100 })
  idle.near.resume()
  await eventually('given up', () => idle.near.destroyed)
  t.match(idle.near.errored, { end: 'idle' })
})
