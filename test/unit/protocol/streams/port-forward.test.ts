import { randomBytes } from 'node:crypto'
import { type AddressInfo, connect, createServer } from 'node:net'
import type { Duplex } from 'node:stream'
import { pipeline } from 'node:stream'
import { WebSocket } from 'ws'
import {
  acceptPortForward,
  awaitSpdyUpgrade,
  createSpdyConnection,
  openPortForward,
  PORT_FORWARD_PROTOCOL,
  PORT_FORWARD_TUNNEL_PROTOCOL,
  type SpdyConnection,
  servePortForward,
  webSocketDuplex,
  whenOpen,
} from '../../../../src/protocol/streams/index.ts'
import { eventually } from '../../../support/eventually.ts'
import t, { type Test } from '../../../support/tap.ts'
import { collect, loopback, spdyRequest } from './support.ts'

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

function dialPort(port: number): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true }, () => resolve(socket))
    socket.on('error', reject)
  })
}

/** A server that ends port-forwards itself. */
async function endpoint(t: Test, connections: SpdyConnection[] = []) {
  return loopback(t, async (req, socket, head) => {
    const { tunnel } = await acceptPortForward({ req, socket, head })
    const { onStream } = servePortForward({ connect: dialPort })
    connections.push(createSpdyConnection({ stream: tunnel, role: 'server', onStream }))
  })
}

/** A server that passes the tunnel's bytes on to `endpoint`, as WebSocket messages, without understanding them. */
async function relay(t: Test, to: number) {
  return loopback(t, async (req, socket, head) => {
    const { tunnel } = await acceptPortForward({ req, socket, head })
    const onward = await openTunnelSocket(to)
    pipeline(tunnel, onward, () => {})
    pipeline(onward, tunnel, () => {})
  })
}

/** As kube's client opens it: ws takes no slash in a protocol, so it goes as a header. */
async function openTunnelSocket(port: number): Promise<Duplex> {
  const ws = new WebSocket(`ws://127.0.0.1:${port}/`, {
    headers: { 'Sec-WebSocket-Protocol': PORT_FORWARD_TUNNEL_PROTOCOL },
    perMessageDeflate: false,
  })
  ws.on('upgrade', (response) => {
    t.equal(response.headers['sec-websocket-protocol'], PORT_FORWARD_TUNNEL_PROTOCOL)
    delete response.headers['sec-websocket-protocol']
  })
  return webSocketDuplex(await whenOpen(ws))
}

async function client(port: number, websocket: boolean): Promise<SpdyConnection> {
  if (websocket) return createSpdyConnection({ stream: await openTunnelSocket(port), role: 'client' })
  const { socket, protocol } = await awaitSpdyUpgrade(spdyRequest(port, [PORT_FORWARD_PROTOCOL]))
  t.equal(protocol, PORT_FORWARD_PROTOCOL)
  return createSpdyConnection({ stream: socket, role: 'client' })
}

for (const websocket of [false, true]) {
  const name = websocket ? 'WebSocket tunnel' : 'SPDY'
  t.test(
    `port-forward by ${name}: 20 at once, half-close and all bytes, through an opaque relay`,
    async (t) => {
      const target = await echoServer(t)
      const { port } = await relay(t, (await endpoint(t)).port)
      const connection = await client(port, websocket)
      const one = async (size: number) => {
        const bytes = randomBytes(size)
        const stream = await openPortForward(connection, target)
        stream.end(bytes)
        const back = await collect(stream)
        return back.equals(bytes)
      }
      const results = await Promise.all(Array.from({ length: 20 }, (_, index) => one(index * 9_999)))
      t.ok(results.every(Boolean))
      await connection.close()
      t.ok(connection.closed.aborted)
    },
  )

  t.test(`port-forward by ${name}: a refused port is told and the others go on`, async (t) => {
    const target = await echoServer(t)
    const connection = await client((await endpoint(t)).port, websocket)
    const refused = await openPortForward(connection, 1)
    await t.rejects(collect(refused), { message: /error forwarding port 1: .*ECONNREFUSED/ })
    const fine = await openPortForward(connection, target)
    fine.end('still here')
    t.equal((await collect(fine)).toString(), 'still here')
    connection.abort(new Error('test over'))
  })

  t.test(`port-forward by ${name}: a killed client closes the serving end`, async (t) => {
    const served: SpdyConnection[] = []
    const connection = await client((await endpoint(t, served)).port, websocket)
    const stream = await openPortForward(connection, await echoServer(t))
    stream.write('half a request')
    await eventually('the endpoint has it', () => served[0])
    connection.abort(new Error('killed'))
    await eventually('closed', () => served[0]?.closed.aborted)
    t.pass('the serving end saw it')
  })
}

t.test(
  'a pair of streams without a second one is reset in time, and so is an unknown type or port',
  async (t) => {
    const { port } = await loopback(t, async (req, socket, head) => {
      const { tunnel } = await acceptPortForward({ req, socket, head })
      const { onStream } = servePortForward({ connect: dialPort, pairTimeoutMs: 20 })
      createSpdyConnection({ stream: tunnel, role: 'server', onStream })
    })
    const connection = await client(port, false)
    for (const headers of [
      { streamtype: 'error', port: '80', requestid: '1' },
      { streamtype: 'data', port: '0', requestid: '2' },
      { streamtype: 'data', port: '65536', requestid: '3' },
      { streamtype: 'other', port: '80', requestid: '4' },
    ]) {
      const stream = await connection.openStream(headers)
      stream.resume()
      await eventually(`${JSON.stringify(headers)} is reset`, () => stream.remoteEnded)
    }
    connection.abort(new Error('test over'))
    t.pass('all reset')
  },
)
