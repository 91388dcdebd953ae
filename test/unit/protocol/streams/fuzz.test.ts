import type { Duplex } from 'node:stream'
import fc from 'fast-check'
import { WebSocketServer } from 'ws'
import {
  awaitSpdyUpgrade,
  createSpdyConnection,
  dialRemoteCommand,
  dialSpdyRemoteCommand,
  exitCodeOf,
  exitStatus,
  pumpRemoteCommand,
  type RemoteCommandClient,
  type RemoteCommandServer,
  whenOpen,
} from '../../../../src/protocol/streams/index.ts'
import { eventually } from '../../../support/eventually.ts'
import t, { type Test } from '../../../support/tap.ts'
import { all, collect, commandServer, dialCommand, loopback, openWs, spdyRequest } from './support.ts'

const V5 = 'v5.channel.k8s.io'
const RUNS = 60

/** Frames that are nearly right: channels that exist more often than others, JSON that is often cut. */
const message = fc.oneof(
  fc
    .tuple(fc.integer({ min: 0, max: 255 }), fc.uint8Array({ maxLength: 40 }))
    .map(([n, data]) => Buffer.from([n, ...data])),
  fc
    .tuple(fc.constantFrom(0, 1, 2, 3, 4, 255), fc.uint8Array({ maxLength: 3 }))
    .map(([n, data]) => Buffer.from([n, ...data])),
  fc.tuple(fc.constantFrom(3, 4), fc.json()).map(([n, text]) => Buffer.from(String.fromCharCode(n) + text)),
  fc
    .constantFrom('{"Width":1,"Height":2}', '{"Width":', '{"status":"Success"}', '{"status":"Fail')
    .map((text) => Buffer.from(`\x03${text}`)),
  fc.string({ maxLength: 20 }),
)

const u32 = (value: number) => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value >>> 0)
  return bytes
}
/** SPDY frames with true lengths and odd contents, and plain rubbish. */
const spdyBytes = fc.oneof(
  fc
    .tuple(
      fc.integer({ min: 0, max: 12 }),
      fc.integer({ min: 0, max: 255 }),
      fc.uint8Array({ maxLength: 40 }),
    )
    .map(([type, flags, body]) =>
      Buffer.concat([Buffer.from([0x80, 3, 0, type, flags, 0, 0, body.length]), body]),
    ),
  fc
    .tuple(fc.constantFrom(1, 2, 3, 8), fc.integer({ min: 0, max: 9 }), fc.uint8Array({ maxLength: 20 }))
    .map(([type, id, rest]) =>
      Buffer.concat([Buffer.from([0x80, 3, 0, type, 0, 0, 0, 4 + rest.length]), u32(id), rest]),
    ),
  fc
    .tuple(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 0, max: 1 }), fc.uint8Array({ maxLength: 40 }))
    .map(([id, flags, data]) => Buffer.concat([u32(id), Buffer.from([flags, 0, 0, data.length]), data])),
  fc.uint8Array({ maxLength: 30 }).map((bytes) => Buffer.from(bytes)),
)

/** A session that was there before the attack and has to work after it. */
async function neighbour(t: Test) {
  const clients: RemoteCommandClient[] = []
  const { port } = await commandServer(t, (client) => clients.push(client))
  const command = await dialCommand(port, V5)
  const client = await eventually('accepted', () => clients[0])
  return async () => {
    command.stdin?.end('unharmed')
    t.equal((await collect(client.stdin)).toString(), 'unharmed')
    client.stdout?.write('unharmed')
    void client.finish(exitStatus(0))
    t.equal((await collect(command.stdout)).toString(), 'unharmed')
    t.equal(exitCodeOf(await command.status), 0)
  }
}

/** An ordinary session that echoes, joined to whatever `server` is, as the gateway does it. */
function echo(client: RemoteCommandClient) {
  client.onResize(() => {})
  client.stdin?.on('data', (chunk: Buffer) => client.stdout?.write(chunk))
  client.stdin?.on('end', () => void client.finish(exitStatus(0)))
}

t.test('rule C6: whatever a WebSocket client sends, only its own session ends', async (t) => {
  const check = await neighbour(t)
  const clients: RemoteCommandClient[] = []
  const { port } = await commandServer(t, (client) => {
    clients.push(client)
    echo(client)
  })
  const attack = fc.asyncProperty(fc.array(message, { maxLength: 12 }), async (messages) => {
    const ws = await whenOpen(openWs(port, [V5]))
    ws.resume()
    for (const frame of messages) ws.send(frame, { binary: typeof frame !== 'string' })
    ws.close()
    await new Promise((resolve) => ws.once('close', resolve))
    await eventually('its leg ends', () => clients.every((client) => client.closed.aborted))
  })
  await fc.assert(attack, { numRuns: RUNS })
  await check()
})

t.test(
  'rule C6: whatever the data plane sends, only that session ends, and the client is told a status',
  async (t) => {
    const check = await neighbour(t)
    let frames: (Buffer | string)[] = []
    const wss = new WebSocketServer({ noServer: true })
    const bad = await loopback(t, (req, socket, head) => {
      wss.handleUpgrade(req, socket, head, (ws) => {
        ws.on('error', () => {})
        for (const frame of frames) ws.send(frame, { binary: typeof frame !== 'string' })
        ws.close()
      })
    })
    const { port } = await commandServer(t, async (client) => {
      const server = await dialRemoteCommand({ dial: () => whenOpen(openWs(bad.port, [V5])), streams: all })
      await pumpRemoteCommand(client, server)
    })
    const attack = fc.asyncProperty(fc.array(message, { maxLength: 12 }), async (messages) => {
      frames = messages
      const command = await dialCommand(port, V5)
      const [status] = await Promise.all([command.status, collect(command.stdout), collect(command.stderr)])
      return status.status === 'Success' || status.status === 'Failure'
    })
    await fc.assert(attack, { numRuns: RUNS })
    await check()
  },
)

t.test('rule C6: whatever a SPDY client sends, only its own session ends', async (t) => {
  const check = await neighbour(t)
  const { port } = await commandServer(t, echo, { limits: { setupTimeoutMs: 20, closeTimeoutMs: 20 } })
  const attack = fc.asyncProperty(
    fc.array(spdyBytes, { maxLength: 12 }),
    fc.boolean(),
    async (parts, proper) => {
      const { socket } = await awaitSpdyUpgrade(spdyRequest(port, ['v4.channel.k8s.io']))
      const gone = new Promise((resolve) => socket.once('close', resolve))
      if (proper) {
        const command = dialSpdyRemoteCommand({ socket, protocol: 'v4.channel.k8s.io', streams: all })
        await command.catch(() => {}) // it may not come that far
      }
      for (const part of parts) if (socket.writable) socket.write(part)
      socket.end()
      socket.resume()
      await gone
    },
  )
  await fc.assert(attack, { numRuns: RUNS })
  await check()
})

t.test('rule C6: whatever a SPDY server sends, only that leg ends, with a status', async (t) => {
  const check = await neighbour(t)
  let parts: Buffer[] = []
  const { port } = await loopback(t, (req, socket: Duplex, head) => {
    socket.on('error', () => {})
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: ${req.headers['x-stream-protocol-version']}\r\n\r\n`,
    )
    socket.unshift(head)
    const streams: unknown[] = []
    createSpdyConnection({
      stream: socket,
      role: 'server',
      onStream(stream) {
        stream.resume()
        if (streams.push(stream) < 4) return
        for (const part of parts) socket.write(part)
        socket.end()
      },
    })
  })
  const attack = fc.asyncProperty(fc.array(spdyBytes, { maxLength: 12 }), async (bytes) => {
    parts = bytes
    let command: RemoteCommandServer
    try {
      command = await dialCommand(port, 'SPDY/3.1 v4.channel.k8s.io')
    } catch (error) {
      return (error as Error).name === 'StreamError'
    }
    const [status] = await Promise.all([command.status, collect(command.stdout), collect(command.stderr)])
    return status.status === 'Success' || status.status === 'Failure'
  })
  await fc.assert(attack, { numRuns: RUNS })
  await check()
})
