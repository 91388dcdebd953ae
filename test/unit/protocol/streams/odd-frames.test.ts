import { type WebSocket, WebSocketServer } from 'ws'
import {
  dialRemoteCommand,
  exitCodeOf,
  exitStatus,
  type RemoteCommandClient,
  type RemoteCommandServer,
  type StreamError,
  whenOpen,
} from '../../../../src/protocol/streams/index.ts'
import { eventually } from '../../../support/eventually.ts'
import t, { type Test } from '../../../support/tap.ts'
import { all, collect, commandServer, loopback, openWs } from './support.ts'

const V5 = 'v5.channel.k8s.io'
const success = Buffer.concat([Buffer.from([3]), Buffer.from(JSON.stringify(exitStatus(0)))])

interface Odd {
  name: string
  frames: (Buffer | string)[]
  /** The close code with which the session ends; undefined where Kubernetes ignores it. */
  code?: number
}

const channels = Array.from({ length: 256 }, (_, channel) => channel)

const fromClient: Odd[] = [
  { name: 'an empty message', frames: [Buffer.alloc(0), ''] },
  {
    name: 'every unknown channel',
    frames: channels.filter((n) => n > 4 && n < 255).map((n) => Buffer.from([n, 1])),
  },
  {
    name: 'data on the channels that only the server writes',
    frames: [1, 2, 3].map((n) => Buffer.from([n, 65])),
  },
  { name: 'a channel without data', frames: [0, 1, 4].map((n) => Buffer.from([n])) },
  { name: 'half a size', frames: [Buffer.from('\x04{"Width":1,')] },
  {
    name: 'a size that is none',
    frames: [Buffer.from('\x04[1]}'), Buffer.from('\x04{"Width":-1,"Height":2}')],
  },
  {
    name: 'CLOSE of the channels that are not stdin',
    frames: [1, 2, 3, 4].map((n) => Buffer.from([255, n])),
  },
  { name: 'CLOSE without a channel', frames: [Buffer.from([255])], code: 1002 },
  { name: 'CLOSE with two channels', frames: [Buffer.from([255, 0, 1])], code: 1002 },
  ...[5, 9, 255].map((n) => ({ name: `CLOSE of channel ${n}`, frames: [Buffer.from([255, n])], code: 1002 })),
  { name: 'a message over the limit', frames: [Buffer.alloc(70_000)], code: 1009 },
]

async function session(t: Test): Promise<{ ws: WebSocket; client: RemoteCommandClient; port: number }> {
  const clients: RemoteCommandClient[] = []
  const { port } = await commandServer(t, (client) => clients.push(client), {
    limits: { maxPayloadBytes: 65_536 },
  })
  const ws = openWs(port, [V5])
  await whenOpen(ws)
  ws.resume()
  const client = await eventually('accepted', () => clients[0])
  return { ws, client, port }
}

for (const { name, frames, code } of fromClient) {
  t.test(`from a client: ${name} ${code ? `ends that session with ${code}` : 'is ignored'}`, async (t) => {
    const { ws, client } = await session(t)
    const closed = new Promise<number>((resolve) => ws.once('close', resolve))
    for (const frame of frames) ws.send(frame, { binary: typeof frame !== 'string' })
    if (code) {
      t.equal(await closed, code)
      t.match(client.closed.reason, { name: 'StreamError' })
      return
    }
    ws.send(Buffer.from('\x00still here'))
    ws.send(Buffer.from([255, 0]))
    t.equal((await collect(client.stdin)).toString(), 'still here')
    await client.finish(exitStatus(0))
    t.equal(await closed, 1000)
  })
}

t.test('from a client: data and a second CLOSE after the CLOSE of stdin are ignored', async (t) => {
  const { ws, client } = await session(t)
  ws.send(Buffer.from('\x00one'))
  for (const frame of [Buffer.from([255, 0]), Buffer.from('\x00two'), Buffer.from([255, 0])]) ws.send(frame)
  t.equal((await collect(client.stdin)).toString(), 'one')
  await client.finish(exitStatus(0))
  t.equal((client.closed.reason as StreamError).end, 'ended')
})

t.test('from a client: text is read as bytes, as the kubelet does', async (t) => {
  const { ws, client } = await session(t)
  ws.send('\x00text')
  ws.send(Buffer.from([255, 0]))
  t.equal((await collect(client.stdin)).toString(), 'text')
  client.abort(new Error('test over'))
})

/** A peer that runs commands by sending these frames and then, where told, an ordinary status. */
async function hostile(t: Test, frames: (Buffer | string)[], end: (ws: WebSocket) => void) {
  const codes: number[] = []
  const wss = new WebSocketServer({ noServer: true })
  const { port } = await loopback(t, (req, socket, head) => {
    wss.handleUpgrade(req, socket, head, (ws) => {
      ws.on('error', () => {})
      ws.on('close', (code) => codes.push(code))
      for (const frame of frames) ws.send(frame, { binary: typeof frame !== 'string' })
      end(ws)
    })
  })
  const dial = () => whenOpen(openWs(port, [V5]))
  const server: RemoteCommandServer = await dialRemoteCommand({ dial, streams: all })
  return { server, codes }
}

const orderly = (ws: WebSocket) => {
  ws.send(success)
  ws.close(1000)
}
const nothing = () => {}

const fromServer: (Odd & { message?: RegExp })[] = [
  {
    name: 'every unknown channel',
    frames: channels.filter((n) => n > 4 && n < 255).map((n) => Buffer.from([n, 1])),
  },
  {
    name: 'data on the channels that only the client writes',
    frames: [0, 4].map((n) => Buffer.from([n, 65])),
  },
  { name: 'a channel without data', frames: [1, 2, 3].map((n) => Buffer.from([n])) },
  {
    name: 'the CLOSE of stdout, stderr and what it does not own',
    frames: [0, 1, 2, 3, 4].map((n) => Buffer.from([255, n])),
  },
  { name: 'a second status', frames: [success, Buffer.from('\x03{"status":"Failure"}')] },
  { name: 'an empty message', frames: [Buffer.alloc(0)], code: 1002 },
  { name: 'text', frames: ['\x01text'], code: 1002 },
  { name: 'CLOSE without a channel', frames: [Buffer.from([255])], code: 1002 },
  { name: 'CLOSE of channel 9', frames: [Buffer.from([255, 9])], code: 1002 },
]

for (const { name, frames, code } of fromServer) {
  t.test(`from who runs it: ${name} ${code ? `ends that leg with ${code}` : 'is ignored'}`, async (t) => {
    const { server, codes } = await hostile(t, frames, code ? nothing : orderly)
    const [out, , status] = await Promise.all([collect(server.stdout), collect(server.stderr), server.status])
    t.equal(out.length, 0)
    if (code) {
      t.match(status, { status: 'Failure', reason: 'InternalError' })
      await eventually('the peer is told', () => codes[0] === code)
    } else t.equal(exitCodeOf(status), 0)
  })
}

t.test(
  'from who runs it: a status that is not one, or none, is an InternalError and the output stays',
  async (t) => {
    const endings: [string, (Buffer | string)[], (ws: WebSocket) => void][] = [
      ['half JSON', [Buffer.from('\x03{"status":"Succ')], (ws) => ws.close(1000)],
      ['another JSON', [Buffer.from('\x03["Success"]')], (ws) => ws.close(1000)],
      ['no status', [], (ws) => ws.close(1000)],
      ['a break', [], (ws) => setImmediate(() => ws.terminate())],
      ['a Failure of the transport', [], (ws) => ws.close(1011)],
      ['a close code of its own', [], (ws) => ws.close(4401, 'x'.repeat(100))],
    ]
    for (const [name, frames, end] of endings) {
      const { server } = await hostile(t, [Buffer.from('\x01output'), ...frames], end)
      const [out, , status] = await Promise.all([
        collect(server.stdout),
        collect(server.stderr),
        server.status,
      ])
      if (name !== 'a break') t.equal(out.toString(), 'output', name)
      t.match(status, { status: 'Failure', reason: 'InternalError', code: 500 }, name)
      t.ok(server.closed.aborted, name)
    }
  },
)

t.test('from who runs it: a status in pieces is put together', async (t) => {
  const pieces = [...JSON.stringify(exitStatus(3))].map((letter) => Buffer.from(`\x03${letter}`))
  const { server } = await hostile(t, pieces, (ws) => ws.close(1000))
  server.stdout?.resume()
  t.equal(exitCodeOf(await server.status), 3)
})

t.test('from who runs it: what a translating API server says twice is said once', async (t) => {
  const twice = 'Internal error occurred: Internal error occurred: no such program'
  const status = JSON.stringify({ ...exitStatus(1), reason: 'InternalError', message: twice })
  const { server } = await hostile(t, [Buffer.from(`\x03${status}`)], (ws) => ws.close(1000))
  server.stdout?.resume()
  t.equal((await server.status).message, 'Internal error occurred: no such program')
})

t.test('from who runs it: one that says its status and does not close is closed', async (t) => {
  const wss = new WebSocketServer({ noServer: true })
  const { port } = await loopback(t, (req, socket, head) => {
    wss.handleUpgrade(req, socket, head, (ws) => ws.send(success))
  })
  const dial = () => whenOpen(openWs(port, [V5]))
  const server = await dialRemoteCommand({ dial, streams: all, limits: { closeTimeoutMs: 20 } })
  await Promise.all([collect(server.stdout), collect(server.stderr)])
  t.equal(exitCodeOf(await server.status), 0)
})

t.test('from who runs it: a protocol without a JSON status is refused when it is chosen', async (t) => {
  const wss = new WebSocketServer({ noServer: true, handleProtocols: () => 'channel.k8s.io' })
  const { port } = await loopback(t, (req, socket, head) => {
    wss.handleUpgrade(req, socket, head, () => {})
  })
  const dial = () => whenOpen(openWs(port, [V5, 'channel.k8s.io']))
  await t.rejects(dialRemoteCommand({ dial, streams: all }), { name: 'StreamError', end: 'protocol' })
})
