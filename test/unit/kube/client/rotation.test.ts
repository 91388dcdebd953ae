import { once } from 'node:events'
import { createSecureServer } from 'node:http2'
import type { AddressInfo } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { createHttp2Pool, createKubeClient, type KubeClient } from '../../../../src/kube/client/index.ts'
import { createTestCa } from '../../../support/certificates.ts'
import { eventually } from '../../../support/eventually.ts'
import t, { type Test } from '../../../support/tap.ts'

const ca = await createTestCa()
const [serving, first, second] = await Promise.all([
  ca.issue(),
  ca.issue({ commonName: 'first' }),
  ca.issue({ commonName: 'second' }),
])

/** An API server for HTTP/1.1 and HTTP/2 that answers the CN of the connection's certificate, and has one watch. */
async function startServer(t: Test) {
  const watches = new Set<{ write(line: string): unknown }>()
  const sockets = new Set<TLSSocket>()
  const server = createSecureServer({
    ...serving,
    ca: ca.ca,
    requestCert: true,
    rejectUnauthorized: true,
    allowHTTP1: true,
  })
  server.on('request', (request, response) => {
    const socket = (request.stream?.session?.socket ?? request.socket) as TLSSocket
    response.writeHead(200)
    if (request.url !== '/api/v1/events')
      return void response.end(JSON.stringify({ user: socket.getPeerCertificate().subject.CN }))
    response.write('begun\n')
    watches.add(response)
  })
  server.on('secureConnection', (socket: TLSSocket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.once('close', () => sockets.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const emit = (line: string) => {
    for (const watch of watches) watch.write(line)
  }
  return { url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`, sockets, emit }
}

type Client = Pick<KubeClient, 'send' | 'json' | 'close'>
const clients: Record<string, (target: Parameters<typeof createKubeClient>[0]) => Client> = {
  'HTTP/1.1': (target) => createKubeClient(target),
  'HTTP/2': (target) => createHttp2Pool(target),
}

for (const [name, create] of Object.entries(clients)) {
  t.test(`${name}: a renewed client certificate is shown at once, and no watch is dropped`, async (t) => {
    const server = await startServer(t)
    let certificate = first
    const client = create({ server: server.url, ca: ca.ca, currentCertificate: () => certificate })
    t.teardown(() => client.close())
    const user = async () =>
      (await client.json<{ user: string }>({ method: 'GET', path: ['api', 'v1', 'whoami'] })).user
    t.equal(await user(), 'first')
    const watch = await client.send({ method: 'GET', path: ['api', 'v1', 'events'] })
    let seen = ''
    let ended = false
    watch.body.on('data', (chunk: Buffer) => (seen += chunk))
    watch.body.on('error', () => {})
    watch.body.once('close', () => (ended = true))

    certificate = second
    t.equal(await user(), 'second')
    server.emit('after\n')
    await eventually('the watch goes on', () => seen === 'begun\nafter\n')
    t.notOk(ended)

    watch.body.destroy()
    await eventually('the old connections close with it', () => server.sockets.size === 1)
    t.equal(await user(), 'second')
  })
}
