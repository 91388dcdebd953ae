import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { request } from 'node:https'
import { type AddressInfo, connect, createServer } from 'node:net'
import type { Duplex } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import { WebSocket } from 'ws'
import type { GatewayClient } from '../../../src/agent/gateway/client.ts'
import { createAuthenticate } from '../../../src/agent/kubelet/authenticate.ts'
import { createAuthorize } from '../../../src/agent/kubelet/authorize.ts'
import { selfSignedCertificate } from '../../../src/agent/kubelet/certificate.ts'
import { createKubeletServer } from '../../../src/agent/kubelet/server.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import { silentLogger } from '../../../src/lib/logger.ts'
import {
  acceptPortForward,
  awaitSpdyUpgrade,
  createSpdyConnection,
  dialRemoteCommand,
  dialSpdyRemoteCommand,
  exitCodeOf,
  exitStatus,
  openPortForward,
  PORT_FORWARD_PROTOCOL,
  PORT_FORWARD_TUNNEL_PROTOCOL,
  type RemoteCommandClient,
  type RemoteCommandServer,
  type SpdyConnection,
  servePortForward,
  spdyUpgradeHeaders,
  webSocketDuplex,
  whenOpen,
} from '../../../src/protocol/streams/index.ts'
import { NODE, userPod } from '../../support/agent-harness.ts'
import { eventually } from '../../support/eventually.ts'
import { createFakeCluster, type Loose } from '../../support/fake-cluster.ts'
import t, { type Test } from '../../support/tap.ts'
import { collect, commandServer, loopback } from '../protocol/streams/support.ts'

const COMMAND = 'command=tee&input=1&output=1&error=1'
const EXEC = `/exec/default/a/main?${COMMAND}`

interface Port {
  port: number
  /** What was asked of the gateway, in order. */
  sessions: Loose[]
}

interface PortOptions {
  /** What runs a command; like `tee /dev/stderr; exit 7` when absent. */
  run?(client: RemoteCommandClient): void
  /** TCP port in the pod. */
  podPort?: number
}

async function tee(client: RemoteCommandClient): Promise<void> {
  const input = await collect(client.stdin)
  client.stdout?.write(input)
  client.stderr?.write(`${input.length}`)
  await client.finish(exitStatus(7))
}

/** A gateway that runs commands and ends port-forwards itself, behind the kubelet port of one pod. */
async function start(
  t: Test,
  { run = (client) => void tee(client).catch(() => {}), podPort }: PortOptions = {},
): Promise<Port> {
  const commands = await commandServer(t, run)
  const forwards = await loopback(t, async (req, socket, head) => {
    const { tunnel } = await acceptPortForward({ req, socket, head })
    const dial = () =>
      new Promise<Duplex>((resolve, reject) => {
        const target = connect({ port: podPort ?? 1, host: '127.0.0.1', allowHalfOpen: true }, () =>
          resolve(target),
        )
        target.on('error', reject)
      })
    createSpdyConnection({ stream: tunnel, role: 'server', ...servePortForward({ connect: dial }) })
  })
  const user = createFakeCluster()
  user.intercept = (line, { body }) => {
    const { spec } = body as Loose
    if (line.startsWith('POST tokenreviews')) {
      const authenticated = ['admin', 'reader'].includes(spec.token)
      return { status: { authenticated, user: { username: spec.token, groups: [] } } }
    }
    return { status: { allowed: spec.user === 'admin' || spec.resourceAttributes.verb === 'get' } }
  }
  const sessions: Loose[] = []
  const gateway = {
    async openSession(wanted: Loose, { protocols }: { protocols: string[] }) {
      sessions.push(wanted)
      const forward = wanted.verb === 'portforward'
      const ws = openSocket(`ws://127.0.0.1:${(forward ? forwards : commands).port}/`, protocols[0] ?? '')
      return whenOpen(ws)
    },
  } as unknown as GatewayClient
  const pod = userPod('a', (each) => {
    each.metadata.uid = 'uid-a'
  })
  const server = createKubeletServer({
    gateway,
    authenticate: createAuthenticate({ user, clock: systemClock }),
    authorize: createAuthorize({ user, nodeName: NODE, clock: systemClock }),
    pods: {
      all: () => [pod],
      find: (namespace, name) => (namespace === 'default' && name === 'a' ? pod : undefined),
    },
    tls: { ...(await selfSignedCertificate(NODE, ['127.0.0.1', NODE])), clientCa: undefined },
    config: {},
    logger: silentLogger,
  })
  const port = await server.listen('127.0.0.1', 0)
  t.teardown(async () => {
    await server.close()
    await user.close()
  })
  return { port, sessions }
}

function openSocket(url: string, protocol: string, token?: string): WebSocket {
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` }
  // ws takes no slash in a protocol: that one goes as a header.
  const byHeader = protocol.includes('/')
  if (byHeader) headers['Sec-WebSocket-Protocol'] = protocol
  const ws = new WebSocket(url, byHeader || protocol === '' ? [] : [protocol], {
    headers,
    perMessageDeflate: false,
    rejectUnauthorized: false,
  })
  if (byHeader) ws.on('upgrade', (response) => delete response.headers['sec-websocket-protocol'])
  return ws
}

function spdyRequest(port: number, path: string, protocols: string[], token = 'admin') {
  return request({
    host: '127.0.0.1',
    port,
    path,
    method: 'POST',
    headers: { ...spdyUpgradeHeaders(protocols), authorization: `Bearer ${token}` },
    rejectUnauthorized: false,
    agent: false,
  })
}

const streams = { stdin: true, stdout: true, stderr: true, tty: false }

async function dial(port: number, protocol: string, path = EXEC): Promise<RemoteCommandServer> {
  const spdy = /^SPDY\/3\.1 (.*)$/.exec(protocol)?.[1]
  if (spdy !== undefined) {
    const upgraded = await awaitSpdyUpgrade(spdyRequest(port, path, [spdy]))
    return dialSpdyRemoteCommand({ ...upgraded, streams })
  }
  const ws = new WebSocket(`wss://127.0.0.1:${port}${path}`, [protocol], {
    headers: { authorization: 'Bearer admin' },
    perMessageDeflate: false,
    rejectUnauthorized: false,
  })
  return dialRemoteCommand({ dial: () => whenOpen(ws), streams })
}

const dialled = [
  ...['v5', 'v4', 'v3', 'v2'].map((version) => `SPDY/3.1 ${version}.channel.k8s.io`),
  'v5.channel.k8s.io',
]

for (const protocol of dialled) {
  t.test(`§3 ${protocol} through the port: stdin to its end, stdout, stderr and exit code`, async (t) => {
    const { port, sessions } = await start(t)
    const command = await dial(port, protocol)
    const bytes = randomBytes(1 << 20)
    command.stdin?.end(bytes)
    const [out, err, status] = await Promise.all([
      collect(command.stdout),
      collect(command.stderr),
      command.status,
    ])
    t.ok(out.equals(bytes))
    t.equal(err.toString(), String(bytes.length), 'stderr; and half-close: the command saw the end of stdin')
    if (/v[45]/.test(protocol)) t.equal(exitCodeOf(status), 7)
    else t.match(status, { status: 'Failure', message: /exit code 7/ })
    t.match(sessions, [{ verb: 'exec', namespace: 'default', pod: 'a', container: 'main', command: ['tee'] }])
  })
}

t.test('§3 SPDY/3.1 v1 through the port: the oldest protocol, whose error stream is text', async (t) => {
  const { port } = await start(t)
  const command = await dial(port, 'SPDY/3.1 channel.k8s.io', `/attach/default/a/uid-a/main?${COMMAND}`)
  command.stdin?.end('old')
  t.equal((await collect(command.stdout)).toString(), 'old')
  t.match(await command.status, { status: 'Failure', message: /exit code 7/ })
})

for (const protocol of [
  '',
  'channel.k8s.io',
  'base64.channel.k8s.io',
  'v4.channel.k8s.io',
  'v4.base64.channel.k8s.io',
]) {
  t.test(`§3 WebSocket "${protocol}" through the port: an empty frame first, then the bytes`, async (t) => {
    const { port } = await start(t, {
      run(client) {
        client.stdin?.once('data', (bytes: Buffer) => {
          client.stdout?.write(`out ${bytes}`)
          void client.finish(exitStatus(0))
        })
      },
    })
    const ws = openSocket(`wss://127.0.0.1:${port}${EXEC}`, protocol, 'admin')
    const base64 = protocol.includes('base64')
    const read: [number, string][] = []
    ws.on('message', (data: Buffer) => {
      const text = data.subarray(1).toString()
      read.push(
        base64 ? [Number(data.toString()[0]), Buffer.from(text, 'base64').toString()] : [data[0] ?? -1, text],
      )
    })
    ws.once('open', () => ws.send(base64 ? `0${Buffer.from('in').toString('base64')}` : Buffer.from('\0in')))
    const [code] = (await once(ws, 'close')) as [number]
    t.equal(code, 1000)
    t.same(read[0], [1, ''])
    t.ok(read.some(([channel, text]) => channel === 1 && text === 'out in'))
    if (protocol.startsWith('v4')) t.match(JSON.parse(read.at(-1)?.[1] ?? ''), { status: 'Success' })
  })
}

/** A TCP server that answers with what it got once the client has ended its side. */
async function echoServer(t: Test): Promise<number> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {})
    void collect(socket).then((bytes) => socket.end(bytes))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  return (server.address() as AddressInfo).port
}

async function forward(port: number, kind: 'SPDY' | 'WebSocket'): Promise<SpdyConnection> {
  const path = '/portForward/default/a/uid-a'
  if (kind === 'SPDY') {
    const { socket } = await awaitSpdyUpgrade(spdyRequest(port, path, [PORT_FORWARD_PROTOCOL]))
    return createSpdyConnection({ stream: socket, role: 'client' })
  }
  const ws = openSocket(`wss://127.0.0.1:${port}${path}`, PORT_FORWARD_TUNNEL_PROTOCOL, 'admin')
  return createSpdyConnection({ stream: webSocketDuplex(await whenOpen(ws)), role: 'client' })
}

for (const kind of ['SPDY', 'WebSocket'] as const) {
  t.test(
    `§3 port-forward by ${kind} through the port: 1,000 streams in all, half-close, every byte`,
    async (t) => {
      const podPort = await echoServer(t)
      const { port, sessions } = await start(t, { podPort })
      const connection = await forward(port, kind)
      // Two streams a connection, at most 50 connections at a time.
      for (let round = 0; round < 10; round += 1) {
        const answers = await Promise.all(
          Array.from({ length: 50 }, async (_, index) => {
            const data = await openPortForward(connection, podPort)
            data.end(`${round}.${index}`)
            return (await collect(data)).toString()
          }),
        )
        if (answers.some((answer, index) => answer !== `${round}.${index}`)) t.fail(`round ${round}`)
      }
      t.equal(sessions.length, 1, 'in one session')
      await connection.close()
    },
  )
}

t.test('§3 a killed kubectl ends the remote process, by each kind of connection', async (t) => {
  const running: RemoteCommandClient[] = []
  const { port } = await start(t, { run: (client) => void running.push(client) })
  const { socket } = await awaitSpdyUpgrade(spdyRequest(port, EXEC, ['v5.channel.k8s.io']))
  await dialSpdyRemoteCommand({ socket, protocol: 'v5.channel.k8s.io', streams })
  await eventually('it runs', () => running.length === 1)
  socket.destroy()
  await eventually('it is ended', () => running[0]?.closed.aborted)
  const ws = openSocket(`wss://127.0.0.1:${port}${EXEC}`, 'v5.channel.k8s.io', 'admin')
  await once(ws, 'open')
  await eventually('it runs', () => running.length === 2)
  ws.terminate()
  await eventually('it is ended', () => running[1]?.closed.aborted)
})

t.test('§3 a client that never reads holds the command back, and costs no memory for it', async (t) => {
  let written = 0
  let blocked = false
  const { port } = await start(t, {
    run(client) {
      const chunk = Buffer.alloc(64 << 10)
      const more = () => {
        while (written < 256 << 20) {
          written += chunk.length
          if (!client.stdout?.write(chunk)) {
            blocked = true
            return void client.stdout?.once('drain', () => {
              blocked = false
              more()
            })
          }
        }
      }
      more()
    },
  })
  const { socket } = await awaitSpdyUpgrade(spdyRequest(port, EXEC, ['v5.channel.k8s.io']))
  const command = await dialSpdyRemoteCommand({ socket, protocol: 'v5.channel.k8s.io', streams })
  let last = -1
  await eventually(
    'the command is held back for good',
    async () => {
      const still = blocked && written === last
      last = written
      await new Promise((resolve) => setTimeout(resolve, 200))
      return still && blocked && written === last
    },
    30_000,
  )
  t.ok(written < 64 << 20, `${written >> 20} MiB are on their way`)
  command.abort(new Error('enough'))
})

t.test('§3 clients that send garbage end themselves alone', async (t) => {
  const { port } = await start(t)
  const steady = await dial(port, 'SPDY/3.1 v5.channel.k8s.io')
  for (const garbage of [
    Buffer.from('GET /pods\r\n\r\n\0\0\0'),
    randomBytes(4096),
    Buffer.concat([
      Buffer.from(`POST ${EXEC} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer admin\r\n`),
      Buffer.from('Connection: Upgrade\r\nUpgrade: SPDY/3.1\r\n'),
      Buffer.from('X-Stream-Protocol-Version: v4.channel.k8s.io\r\n\r\n'),
      randomBytes(64 << 10),
    ]),
    Buffer.concat([
      Buffer.from(`GET ${EXEC} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer admin\r\n`),
      Buffer.from('Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n'),
      Buffer.from('Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'),
      Buffer.from('Sec-WebSocket-Protocol: v5.channel.k8s.io\r\n\r\n'),
      randomBytes(64 << 10),
    ]),
  ]) {
    const socket = connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false })
    socket.on('error', () => {})
    socket.resume()
    socket.end(garbage)
    await new Promise((resolve) => socket.once('close', resolve))
  }
  steady.stdin?.end('steady')
  t.equal((await collect(steady.stdout)).toString(), 'steady')
})

t.test('§3 an exec that opens 1,000 streams reaches nobody, and touches no other', async (t) => {
  const { port, sessions } = await start(t)
  const steady = await dial(port, 'SPDY/3.1 v5.channel.k8s.io')
  const { socket } = await awaitSpdyUpgrade(spdyRequest(port, EXEC, ['v5.channel.k8s.io']))
  const connection = createSpdyConnection({ stream: socket, role: 'client' })
  await Promise.allSettled(
    Array.from({ length: 1_000 }, () => connection.openStream({ streamtype: 'stdout' })),
  )
  steady.stdin?.end('steady')
  t.equal((await collect(steady.stdout)).toString(), 'steady')
  t.equal(sessions.length, 1, 'only the other one’s session was opened')
  connection.abort(new Error('over'))
})

t.test('§3 /run runs a command to its end and answers what it wrote', async (t) => {
  const codes = [0, 3]
  const { port, sessions } = await start(t, {
    run(client) {
      client.stdout?.write('out\n')
      void client.finish(exitStatus(codes.shift() ?? 0))
    },
  })
  const run = async () => {
    const path = '/run/default/a/main?cmd=echo%20out'
    const headers = { authorization: 'Bearer admin' }
    const options = { host: '127.0.0.1', port, path, method: 'POST', headers, rejectUnauthorized: false }
    const sent = request({ ...options, agent: false }).end()
    const [answer] = (await once(sent, 'response')) as [IncomingMessage]
    return { status: answer.statusCode, body: (await collect(answer)).toString() }
  }
  t.same(await run(), { status: 200, body: 'out\n' })
  t.match(sessions, [{ verb: 'exec', container: 'main', command: ['echo', 'out'], stdin: false }])
  t.match(await run(), { status: 500, body: /it ended with 3/ })
})

t.test(
  '§3 an upgrade by nobody in particular, or by one who may only read, is refused on every stream route',
  async (t) => {
    const { port, sessions } = await start(t)
    for (const path of [EXEC, `/attach/default/a/main?${COMMAND}`, '/portForward/default/a']) {
      for (const [token, code] of [
        ['', 401],
        ['forged', 401],
        ['reader', 403],
      ] as const) {
        const sent = spdyRequest(port, path, ['v4.channel.k8s.io'], token).end()
        const [answer] = (await once(sent, 'response')) as [IncomingMessage]
        t.equal(answer.statusCode, code, `SPDY ${path} ${token}`)
        answer.resume()
        const ws = openSocket(`wss://127.0.0.1:${port}${path}`, 'v5.channel.k8s.io', token)
        ws.on('error', () => {})
        const [, refused] = (await once(ws, 'unexpected-response')) as [unknown, IncomingMessage]
        t.equal(refused.statusCode, code, `WebSocket ${path} ${token}`)
        ws.terminate()
      }
    }
    t.equal(sessions.length, 0, 'nothing of it reached the gateway')
  },
)
