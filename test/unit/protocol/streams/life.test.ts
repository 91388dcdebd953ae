import { connect, type Socket } from 'node:net'
import {
  exitStatus,
  pumpRemoteCommand,
  type RemoteCommandClient,
  StreamError,
  spdyUpgradeHeaders,
  type V1StatusLike,
  whenOpen,
} from '../../../../src/protocol/streams/index.ts'
import { eventually } from '../../../support/eventually.ts'
import t, { type Test } from '../../../support/tap.ts'
import { all, collect, commandServer, dialCommand, openWs } from './support.ts'

const V5 = 'v5.channel.k8s.io'
const V4_SPDY = 'SPDY/3.1 v4.channel.k8s.io'

/** A client that has upgraded and then is as dead as we like: a bare socket. */
async function bareClient(t: Test, port: number, headers: Record<string, string>): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  t.teardown(() => socket.destroy())
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.write(`GET / HTTP/1.1\r\nHost: test\r\n${lines.join('')}\r\n`)
  await new Promise((resolve) => socket.once('data', resolve))
  return socket
}

const wsHeaders = {
  Connection: 'Upgrade',
  Upgrade: 'websocket',
  'Sec-WebSocket-Version': '13',
  'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
  'Sec-WebSocket-Protocol': V5,
}

for (const how of ['FIN', 'RST'] as const) {
  t.test(
    `rule C8: a WebSocket client that is killed (${how}) is seen at once, through the pump to who runs it`,
    async (t) => {
      const running: RemoteCommandClient[] = []
      const inner = await commandServer(t, (client) => running.push(client))
      const middle: RemoteCommandClient[] = []
      let told: V1StatusLike | undefined
      const outer = await commandServer(t, async (client) => {
        middle.push(client)
        told = await pumpRemoteCommand(client, await dialCommand(inner.port, V5))
      })
      const socket = await bareClient(t, outer.port, wsHeaders)
      const runner = await eventually('it runs', () => running[0])
      const stdinClosed = new Promise((resolve) => runner.stdin?.once('close', resolve))
      runner.stdin?.resume()
      if (how === 'FIN') socket.end()
      else socket.resetAndDestroy()
      await eventually('the runner knows', () => runner.closed.aborted, 2_000)
      await stdinClosed
      t.match(middle[0]?.closed.reason, { name: 'StreamError', end: 'gone' })
      await eventually('the pump ends', () => told)
      t.match(told, { status: 'Failure' })
    },
  )
}

t.test('rule C8: a SPDY client that is killed is seen at once', async (t) => {
  const running: RemoteCommandClient[] = []
  const { port } = await commandServer(t, (client) => running.push(client))
  const command = await dialCommand(port, V4_SPDY)
  const client = await eventually('it runs', () => running[0])
  client.stdin?.resume()
  command.abort(new Error('killed'))
  await eventually('seen', () => client.closed.aborted, 2_000)
  t.equal((client.closed.reason as StreamError).end, 'gone')
  await eventually('stdin is closed too', () => client.stdin?.destroyed)
})

t.test(
  'rule C8: a killed client is seen although its stdin waits to be read, by the next pings',
  async (t) => {
    const running: RemoteCommandClient[] = []
    const { port } = await commandServer(t, (client) => running.push(client), { pingIntervalMs: 20 })
    for (const protocol of [V5, V4_SPDY]) {
      const command = await dialCommand(port, protocol)
      const client = await eventually('it runs', () => running.pop())
      command.stdin?.write(Buffer.alloc(4 << 20))
      await eventually('the window is full', () => client.bufferedBytes >= 256 << 10)
      command.abort(new Error('killed'))
      await eventually('seen', () => client.closed.aborted)
      t.ok(client.stdin?.destroyed, protocol)
    }
  },
)

t.test('a client that answers no ping is given up; one that answers is kept', async (t) => {
  const running: RemoteCommandClient[] = []
  const { port } = await commandServer(t, (client) => running.push(client), {
    pingIntervalMs: 20,
    pongTimeoutMs: 500,
  })
  await bareClient(t, port, wsHeaders) // reads nothing, answers nothing
  const alive = await dialCommand(port, V5)
  const spdy = await dialCommand(port, V4_SPDY)
  await eventually('all three run', () => running.length === 3)
  const dead = await eventually('one is given up', () => running.find((client) => client.closed.aborted))
  t.equal((dead.closed.reason as StreamError).end, 'unresponsive')
  t.equal(running.filter((client) => client.closed.aborted).length, 1)
  t.notOk(alive.closed.aborted || spdy.closed.aborted)
  for (const command of [alive, spdy]) command.abort(new Error('test over'))
})

t.test('a SPDY client that answers no ping is given up', async (t) => {
  const refused: unknown[] = []
  const { port } = await commandServer(t, () => t.fail('it opened no streams'), {
    pingIntervalMs: 20,
    pongTimeoutMs: 500,
    refused: (error) => refused.push(error),
  })
  await bareClient(t, port, spdyUpgradeHeaders(['v4.channel.k8s.io']))
  t.match(await eventually('given up', () => refused[0]), { end: 'unresponsive' })
})

for (const protocol of [V5, V4_SPDY]) {
  t.test(`${protocol}: pings keep nothing alive that is idle; data does`, async (t) => {
    const running: RemoteCommandClient[] = []
    const leg = { pingIntervalMs: 20, idleTimeoutMs: 200 }
    const { port } = await commandServer(t, (client) => running.push(client), leg)
    const command = await dialCommand(port, protocol)
    let received = 0
    command.stdout?.on('data', (chunk: Buffer) => {
      received += chunk.length
    })
    const client = await eventually('it runs', () => running[0])
    const beat = setInterval(() => client.stdout?.write('.'), 20)
    await eventually('beats for longer than the idle time', () => received > 25)
    t.notOk(client.closed.aborted, 'busy')
    clearInterval(beat)
    t.match(await command.status, { status: 'Failure' })
    await eventually('the leg knows', () => client.closed.aborted)
    t.equal((client.closed.reason as StreamError).end, 'idle')
  })
}

t.test('the time that this process itself stood still is not held against a peer', async (t) => {
  const running: RemoteCommandClient[] = []
  const leg = { pingIntervalMs: 20, pongTimeoutMs: 150, idleTimeoutMs: 150 }
  const { port } = await commandServer(t, (client) => running.push(client), leg)
  const command = await dialCommand(port, V5)
  const client = await eventually('it runs', () => running[0])
  const end = performance.now() + 400
  while (performance.now() < end);
  await new Promise((resolve) => setTimeout(resolve, 1)) // behind the timers that were due
  t.notOk(client.closed.aborted)
  command.abort(new Error('test over'))
})

t.test('a SPDY client that does not open its streams in time is closed', async (t) => {
  const refused: unknown[] = []
  const { port } = await commandServer(t, () => t.fail('it opened no streams'), {
    limits: { setupTimeoutMs: 20 },
    refused: (error) => refused.push(error),
  })
  const socket = await bareClient(t, port, spdyUpgradeHeaders(['v4.channel.k8s.io']))
  await new Promise((resolve) => socket.once('close', resolve))
  t.match(refused[0], { name: 'StreamError', end: 'setup' })
})

t.test('rule C9: a session that is cut off ends on both legs, and the client reads why', async (t) => {
  for (const protocol of [V5, V4_SPDY]) {
    const running: RemoteCommandClient[] = []
    const inner = await commandServer(t, (client) => running.push(client))
    const cut = new AbortController()
    const outer = await commandServer(t, async (client) => {
      await pumpRemoteCommand(client, await dialCommand(inner.port, V5), { signal: cut.signal })
    })
    const command = await dialCommand(outer.port, protocol)
    const runner = await eventually('it runs', () => running[0])
    cut.abort(new StreamError('aborted', 'the credential was revoked', { closeCode: 4401 }))
    const [status] = await Promise.all([command.status, collect(command.stdout), collect(command.stderr)])
    t.match(status, { status: 'Failure', message: 'the credential was revoked' }, protocol)
    await eventually('the runner is told', () => runner.closed.aborted)
  }
})

t.test(
  'rule C9: the close code of the reason is what a WebSocket client gets, and no inner text',
  async (t) => {
    const { port } = await commandServer(t, (client) => {
      const cause = new Error('node10.internal said no')
      client.abort(new StreamError('aborted', 'suspended', { closeCode: 4403, cause }))
    })
    const ws = openWs(port, [V5])
    const messages: string[] = []
    ws.on('message', (data: Buffer) => messages.push(data.toString()))
    const [code, text] = await new Promise<[number, Buffer]>((resolve) => {
      ws.once('close', (...args) => resolve(args))
    })
    t.equal(code, 4403)
    t.equal(text.toString(), 'suspended')
    t.match(messages.join(), /"message":"suspended"/)
    t.notMatch(messages.join() + text, /node10/)
  },
)

t.test('no reason is too long or too odd to be told', async (t) => {
  for (const [text, closeCode, expected] of [
    ['zażółć 🙂 '.repeat(30), 4401, 4401],
    ['odd code', 1006, 1011],
    ['odd code', 99999, 1011],
  ] as const) {
    const { port } = await commandServer(t, (client) =>
      client.abort(new StreamError('aborted', text, { closeCode })),
    )
    const ws = openWs(port, [V5])
    t.equal(await new Promise((resolve) => ws.once('close', resolve)), expected)
  }
})

t.test('an error of ours that is not public is told as an internal error', async (t) => {
  const { port } = await commandServer(t, (client) => client.abort(new Error('secret detail')))
  const command = await dialCommand(port, V5)
  const [status] = await Promise.all([command.status, collect(command.stdout)])
  t.notMatch(JSON.stringify(status), /secret/)
})

t.test('finish is idempotent, flushes first, and resolves also when the client has gone', async (t) => {
  const running: RemoteCommandClient[] = []
  const { port } = await commandServer(t, (client) => running.push(client))
  const command = await dialCommand(port, V5)
  const client = await eventually('it runs', () => running.pop())
  client.stdout?.write(Buffer.alloc(1 << 20))
  const first = client.finish(exitStatus(0))
  t.equal(client.finish(exitStatus(9)), first)
  const [status, out] = await Promise.all([
    command.status,
    collect(command.stdout),
    collect(command.stderr),
    first,
  ])
  t.equal(out.length, 1 << 20)
  t.equal(status.status, 'Success')
  t.equal((client.closed.reason as StreamError).end, 'ended')

  for (const protocol of [V5, V4_SPDY]) {
    const gone = await dialCommand(port, protocol, all)
    const left = await eventually('it runs', () => running.pop())
    gone.abort(new Error('killed'))
    left.stdout?.write('for nobody')
    await left.finish(exitStatus(0))
    t.pass(`${protocol}: resolved`)
  }
})

t.test('messages that come together with the handshake are not lost', async (t) => {
  const { port } = await commandServer(t, (client) => {
    client.stdout?.write('at once')
    void client.finish(exitStatus(0))
  })
  for (let round = 0; round < 20; round++) {
    const command = await dialCommand(port, V5)
    t.equal((await collect(command.stdout)).toString(), 'at once')
  }
})

t.test('a dial that fails rejects with its cause', async (t) => {
  await t.rejects(whenOpen(openWs(1, [V5])), {
    name: 'StreamError',
    end: 'refused',
    cause: { code: 'ECONNREFUSED' },
  })
})
