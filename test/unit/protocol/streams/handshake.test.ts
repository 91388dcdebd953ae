import type { IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import {
  acceptPortForward,
  awaitSpdyUpgrade,
  exitStatus,
  failureStatus,
  parseBearerSubprotocol,
  type RemoteCommandClient,
  refuseUpgrade,
  UpgradeRefusedError,
  whenOpen,
} from '../../../../src/protocol/streams/index.ts'
import { eventually } from '../../../support/eventually.ts'
import t from '../../../support/tap.ts'
import { all, collect, commandServer, loopback, openWs, spdyRequest } from './support.ts'

/** Sends these lines and returns everything that comes back until the server closes. */
async function raw(port: number, method: string, headers: Record<string, string>): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.write(
    `${method} / HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\n${lines.join('')}\r\nearly bytes`,
  )
  return (await collect(socket)).toString()
}

const websocket = {
  Upgrade: 'websocket',
  'Sec-WebSocket-Version': '13',
  'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
}

const refusals: [string, string, Record<string, string>, RegExp][] = [
  ['an unknown upgrade', 'GET', { Upgrade: 'h2c' }, /^HTTP\/1.1 400 .*"reason":"BadRequest"/s],
  [
    'SPDY without a protocol',
    'POST',
    { Upgrade: 'SPDY/3.1' },
    /^HTTP\/1.1 400 .*X-Stream-Protocol-Version is required/s,
  ],
  [
    'SPDY with no protocol in common',
    'POST',
    { Upgrade: 'SPDY/3.1', 'X-Stream-Protocol-Version': 'v9.channel.k8s.io' },
    /^HTTP\/1.1 403 .*X-Accepted-Stream-Protocol-Versions: v5.channel.k8s.io, v4.*"code":403/s,
  ],
  [
    'a WebSocket with no protocol in common',
    'GET',
    { ...websocket, 'Sec-WebSocket-Protocol': 'v9.channel.k8s.io, chat' },
    /^HTTP\/1.1 403 .*"reason":"Forbidden".*"code":403/s,
  ],
  [
    'a WebSocket that offers nothing but a token',
    'GET',
    { ...websocket, 'Sec-WebSocket-Protocol': 'base64url.bearer.authorization.k8s.io.c2VjcmV0' },
    /^HTTP\/1.1 403 /,
  ],
  ['a WebSocket by POST', 'POST', websocket, /^HTTP\/1.1 400 .*Invalid HTTP method/s],
  ['a WebSocket without a key', 'GET', { ...websocket, 'Sec-WebSocket-Key': '' }, /^HTTP\/1.1 400 /],
  [
    'a WebSocket of another version',
    'GET',
    { ...websocket, 'Sec-WebSocket-Version': '7' },
    /^HTTP\/1.1 400 .*Version: 13/s,
  ],
]

for (const [name, method, headers, answer] of refusals) {
  t.test(`${name} is answered by an HTTP error with a Status, and throws "refused"`, async (t) => {
    const errors: unknown[] = []
    const { port } = await commandServer(t, () => t.fail('accepted'), {
      refused: (error) => errors.push(error),
    })
    const text = await raw(port, method, headers)
    t.match(text, answer)
    t.match(text, /"kind":"Status"/)
    t.match(text, /Connection: close/)
    t.notMatch(text, /c2VjcmV0/, 'a token is never echoed')
    t.match(errors[0], { name: 'StreamError', end: 'refused' })
  })
}

t.test('refuseUpgrade answers a Status that a client can read, and closes', async (t) => {
  const { port } = await loopback(t, (_req, socket) => {
    refuseUpgrade(socket, 404, failureStatus('pods "x" not found', 'NotFound', 404), {
      'Retry-After': '1\r\nX: y',
    })
  })
  const error = await awaitSpdyUpgrade(spdyRequest(port, ['v4.channel.k8s.io'])).catch(
    (caught: unknown) => caught,
  )
  t.ok(error instanceof UpgradeRefusedError)
  t.match(error, { statusCode: 404, end: 'refused' })
  t.match(JSON.parse((error as UpgradeRefusedError).body), { reason: 'NotFound', code: 404 })
  t.match(await raw(port, 'GET', { Upgrade: 'x' }), /Retry-After: 1 {2}X: y\r\n/, 'no header injection')
})

t.test('a client that leaves during the handshake is no uncaught exception', async (t) => {
  const errors: unknown[] = []
  const { port } = await commandServer(t, (client) => client.abort(new Error('too late')), {
    refused: (error) => errors.push(error),
  })
  for (const headers of [
    websocket,
    { Upgrade: 'SPDY/3.1', 'X-Stream-Protocol-Version': 'v4.channel.k8s.io' },
  ]) {
    for (let round = 0; round < 10; round++) {
      const socket = connect(port, '127.0.0.1')
      socket.on('error', () => {})
      const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
      socket.write(`GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n${lines.join('')}\r\n`, () => {
        socket.resetAndDestroy()
      })
      await new Promise((resolve) => socket.once('close', resolve))
    }
  }
  await eventually('the SPDY ones are told', () => errors.length >= 10)
  t.pass('still here')
})

t.test('the client chooses: its first protocol that is served', async (t) => {
  const chosen: string[] = []
  const { port } = await commandServer(t, (client) => {
    chosen.push(client.protocol)
    client.abort(new Error('test over'))
  })
  const offers: [string[], string][] = [
    [['v9.channel.k8s.io', 'v4.channel.k8s.io', 'v5.channel.k8s.io'], 'v4.channel.k8s.io'],
    [['base64url.bearer.authorization.k8s.io.c2VjcmV0', 'v5.channel.k8s.io'], 'v5.channel.k8s.io'],
    [[], ''],
  ]
  for (const [offered, expected] of offers) {
    const ws = await whenOpen(openWs(port, offered))
    t.equal(ws.protocol, expected)
    ws.terminate()
  }
  t.same(
    chosen,
    offers.map(([, expected]) => expected),
  )
})

t.test('a bearer token among the subprotocols is taken out, and only a valid one', (t) => {
  const prefix = 'base64url.bearer.authorization.k8s.io.'
  const token = Buffer.from('a.b-c_ü').toString('base64url')
  t.same(parseBearerSubprotocol(undefined), { token: undefined, protocols: [] })
  t.same(parseBearerSubprotocol('v4.channel.k8s.io, ,x'), {
    token: undefined,
    protocols: ['v4.channel.k8s.io', 'x'],
  })
  t.same(parseBearerSubprotocol(`${prefix}${token}, v5.channel.k8s.io`), {
    token: 'a.b-c_ü',
    protocols: ['v5.channel.k8s.io'],
  })
  for (const bad of ['', '=', 'YQ==', 'a b', '_____w', 'Y\u0000']) {
    t.same(
      parseBearerSubprotocol(`v4.channel.k8s.io,${prefix}${bad}`),
      { token: '', protocols: ['v4.channel.k8s.io'] },
      bad,
    )
  }
  t.same(parseBearerSubprotocol([`${prefix}${token}`, `${prefix}${token}`]), { token: '', protocols: [] })
  t.end()
})

const wire: [string, (channel: number, text: string) => Buffer | string, boolean][] = [
  ['', (channel, text) => Buffer.from(String.fromCharCode(channel) + text), false],
  ['channel.k8s.io', (channel, text) => Buffer.from(String.fromCharCode(channel) + text), false],
  ['base64.channel.k8s.io', (channel, text) => channel + Buffer.from(text).toString('base64'), false],
  ['v4.channel.k8s.io', (channel, text) => Buffer.from(String.fromCharCode(channel) + text), true],
  ['v4.base64.channel.k8s.io', (channel, text) => channel + Buffer.from(text).toString('base64'), true],
  ['v5.channel.k8s.io', (channel, text) => Buffer.from(String.fromCharCode(channel) + text), true],
]

for (const [protocol, encode, json] of wire) {
  t.test(
    `"${protocol}" on the wire: the empty message first, data both ways, sizes, the status at last`,
    async (t) => {
      const sizes: unknown[] = []
      const { port } = await commandServer(t, (client: RemoteCommandClient) => {
        client.onResize((size) => sizes.push(size))
        client.stdin?.once('data', (bytes: Buffer) => {
          client.stdout?.write(`out ${bytes}`)
          client.stderr?.write('err')
          void client.finish(exitStatus(3))
        })
      })
      const ws = openWs(port, protocol === '' ? [] : [protocol])
      const messages: { data: Buffer; binary: boolean }[] = []
      ws.on('message', (data: Buffer, binary: boolean) => messages.push({ data, binary }))
      ws.once('open', () => {
        ws.send(encode(4, '{"Width":100,"Height":40}\n{"Width":101,'))
        ws.send(encode(4, '"Height":41}'))
        ws.send(encode(0, 'zażółć'))
      })
      const code = await new Promise((resolve) => ws.once('close', resolve))
      t.equal(code, 1000)
      const base64 = protocol.includes('base64')
      t.ok(
        messages.every(({ binary }) => binary !== base64),
        'text for base64, else binary',
      )
      const read = messages.map(({ data }) => {
        const text = data.subarray(1).toString()
        return [
          base64 ? Number(data.toString()[0]) : data[0],
          base64 ? Buffer.from(text, 'base64').toString() : text,
        ]
      })
      t.same(read[0], [1, ''])
      t.same(read.slice(1, -1).sort(), [
        [1, 'out zażółć'],
        [2, 'err'],
      ])
      const [channel, last] = read.at(-1) as [number, string]
      t.equal(channel, 3)
      if (json)
        t.match(JSON.parse(last), { reason: 'NonZeroExitCode', details: { causes: [{ message: '3' }] } })
      else t.match(last, /exit code 3/)
      t.same(sizes, [
        { width: 100, height: 40 },
        { width: 101, height: 41 },
      ])
    },
  )
}

t.test(
  'the first message is on the lowest channel that the client reads; success is silent before v4',
  async (t) => {
    const cases: [typeof all, number][] = [
      [all, 1],
      [{ ...all, stdout: false }, 2],
      [{ ...all, stdout: false, stderr: false }, 3],
      [{ ...all, stdout: false, tty: true }, 3],
    ]
    for (const [streams, channel] of cases) {
      const { port } = await commandServer(t, (client) => void client.finish(exitStatus(0)), { streams })
      const ws = openWs(port, ['channel.k8s.io'])
      const messages: Buffer[] = []
      ws.on('message', (data: Buffer) => messages.push(data))
      await new Promise((resolve) => ws.once('close', resolve))
      t.same(messages, [Buffer.from([channel])])
    }
  },
)

t.test('a port-forward without its protocol is refused', async (t) => {
  const { port } = await loopback(t, (req: IncomingMessage, socket, head) => {
    acceptPortForward({ req, socket, head }).catch(() => {})
  })
  const forward = { Upgrade: 'SPDY/3.1', 'X-Stream-Protocol-Version': 'v4.channel.k8s.io' }
  t.match(await raw(port, 'POST', forward), /^HTTP\/1.1 403 .*Versions: portforward.k8s.io/s)
  t.match(
    await raw(port, 'GET', { ...websocket, 'Sec-WebSocket-Protocol': 'v4.channel.k8s.io' }),
    /^HTTP\/1.1 403 /,
  )
  t.match(await raw(port, 'GET', { Upgrade: 'other' }), /^HTTP\/1.1 400 /)
})
