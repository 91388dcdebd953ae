import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'
import { createKubeClient, KubeApiError, KubeUnreachableError } from '../../../../src/kube/client/index.ts'
import { createTestCa } from '../../../support/certificates.ts'
import { eventually } from '../../../support/eventually.ts'
import { startHttpsServer } from '../../../support/https-server.ts'
import t, { type Test } from '../../../support/tap.ts'

const ca = await createTestCa()
const pair = await ca.issue()
const path = ['api', 'v1', 'namespaces', 'a', 'pods', 'p', 'exec']
const protocols = ['v5.channel.k8s.io', 'v4.channel.k8s.io']
const tunnel = 'SPDY/3.1+portforward.k8s.io'

type OnUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => void

async function setup(t: Test, onUpgrade: OnUpgrade) {
  const stub = await startHttpsServer(pair, (_request, response) => response.writeHead(500).end())
  const seen: IncomingMessage[] = []
  stub.server.on('upgrade', (request, socket, head) => {
    seen.push(request)
    socket.on('error', () => {})
    onUpgrade(request, socket, head)
  })
  const client = createKubeClient({ server: stub.url, ca: ca.ca, token: 'secret' })
  t.teardown(async () => {
    await client.close()
    await stub.close()
  })
  return { client, stub, seen }
}

const wss = new WebSocketServer({ noServer: true, handleProtocols: (offered) => [...offered][0] ?? false })

t.test('the first offered subprotocol is negotiated, with token and query', async (t) => {
  const { client, seen } = await setup(t, (request, socket, head) => {
    wss.handleUpgrade(request, socket, head, (ws) => ws.send(Buffer.from([1, 65])))
  })
  const ws = await client.upgrade({ path, protocols, query: { command: ['sh', '-c', 'a b'], tty: true } })
  t.equal(ws.protocol, 'v5.channel.k8s.io')
  t.equal(seen[0]!.url, '/api/v1/namespaces/a/pods/p/exec?command=sh&command=-c&command=a+b&tty=true')
  t.match(seen[0]!.headers, {
    authorization: 'Bearer secret',
    'sec-websocket-protocol': 'v5.channel.k8s.io, v4.channel.k8s.io',
  })
  t.notOk(seen[0]!.headers['sec-websocket-extensions'], 'no compression is offered')
  t.equal(seen[0]!.headers['accept'], '*/*', 'a kubelet refuses any media type')
  const message = await new Promise((resolve) => ws.on('message', resolve))
  t.same(message, Buffer.from([1, 65]), 'what came before the listener is not lost')
  ws.terminate()
})

t.test('port-forward: a subprotocol with a slash, which ws itself refuses, is negotiated', async (t) => {
  const { client, seen } = await setup(t, (request, socket, head) => {
    const offered = request.headers['sec-websocket-protocol']
    delete request.headers['sec-websocket-protocol']
    wss.once('headers', (headers) => headers.push(`Sec-WebSocket-Protocol: ${offered}`))
    wss.handleUpgrade(request, socket, head, (ws) => ws.on('message', (data) => ws.send(data)))
  })
  const ws = await client.upgrade({ path, protocols: [tunnel] })
  t.equal(ws.protocol, tunnel)
  t.equal(seen.length, 1)
  const echoed = new Promise((resolve) => ws.on('message', resolve))
  ws.send(Buffer.from('spdy'))
  t.same(await echoed, Buffer.from('spdy'))
  ws.terminate()
})

t.test('a refused upgrade yields the Status in its body', async (t) => {
  const status = JSON.stringify({ kind: 'Status', reason: 'Forbidden', message: 'may not exec' })
  const { client, stub } = await setup(t, (_request, socket) => {
    socket.write(`HTTP/1.1 403 Forbidden\r\nContent-Length: ${status.length}\r\n\r\n${status}`)
  })
  const error = await client.upgrade({ path, protocols }).catch((error) => error)
  t.type(error, KubeApiError)
  t.match(error, { code: 403, status: { reason: 'Forbidden', message: 'may not exec' } })
  await eventually('the socket of the refused upgrade is gone', () => stub.sockets.size === 0)
})

t.test('A1: an upgrade answered otherwise leaves no socket that could be reused', async (t) => {
  for (const line of ['200 OK', '204 No Content', '400 Bad Request', '500 Oops']) {
    const { client, stub, seen } = await setup(t, (_request, socket) => {
      socket.write(`HTTP/1.1 ${line}\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n`)
    })
    const error = await client.upgrade({ path, protocols }).catch((error) => error)
    t.type(error, line < '400' ? KubeUnreachableError : KubeApiError, line)
    await eventually('the socket is destroyed', () => stub.sockets.size === 0)
    t.equal(seen.length, 1)
  }
})

t.test('A2: a redirected upgrade is not followed', async (t) => {
  const second = await setup(t, (_request, socket) => socket.destroy())
  const { client, stub } = await setup(t, (_request, socket) => {
    socket.write(
      `HTTP/1.1 302 Found\r\nLocation: ${second.stub.url}/x\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n`,
    )
  })
  await t.rejects(client.upgrade({ path, protocols }), KubeUnreachableError)
  await eventually('the socket is destroyed', () => stub.sockets.size === 0)
  t.equal(second.seen.length, 0)
})

t.test('a subprotocol that was not offered, or none, is refused', async (t) => {
  for (const chosen of ['v1.channel.k8s.io', undefined]) {
    const { client, stub } = await setup(t, (request, socket, head) => {
      const odd = new WebSocketServer({ noServer: true, handleProtocols: () => chosen ?? false })
      odd.handleUpgrade(request, socket, head, () => {})
    })
    await t.rejects(client.upgrade({ path, protocols }), KubeUnreachableError)
    await eventually('the socket is destroyed', () => stub.sockets.size === 0)
  }
})

t.test('silence, a reset, garbage and a wrong accept key are KubeUnreachableErrors', async (t) => {
  const cases: Record<string, OnUpgrade> = {
    silence: () => {},
    reset: (_request, socket) => socket.destroy(),
    garbage: (_request, socket) => socket.end('garbage\r\n\r\n'),
    'half a refusal': (_request, socket) =>
      socket.end('HTTP/1.1 500 Oops\r\nContent-Length: 100\r\n\r\nhalf'),
    'wrong key': (_request, socket) =>
      socket.write(
        'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n',
      ),
  }
  for (const [name, onUpgrade] of Object.entries(cases)) {
    const { client, stub } = await setup(t, onUpgrade)
    await t.rejects(client.upgrade({ path, protocols, timeoutMs: 300 }), KubeUnreachableError, name)
    await eventually('the socket is destroyed', () => stub.sockets.size === 0)
  }
})

t.test("the caller's abort ends the handshake with its reason", async (t) => {
  const controller = new AbortController()
  const reason = new Error('enough')
  const { client, stub } = await setup(t, () => controller.abort(reason))
  await t.rejects(client.upgrade({ path, protocols, signal: controller.signal }), reason)
  await eventually('the socket is destroyed', () => stub.sockets.size === 0)
})
