import { once } from 'node:events'
import {
  createSecureServer,
  type Http2Server,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { createHttp2Pool, type Http2PoolOptions } from '../../../../src/kube/client/http2-pool.ts'
import { createKubeClient, KubeApiError, KubeUnreachableError } from '../../../../src/kube/client/index.ts'
import { watchOnce } from '../../../../src/kube/watch/watch-once.ts'
import { createTestCa } from '../../../support/certificates.ts'
import { eventually } from '../../../support/eventually.ts'
import { startHttpsServer } from '../../../support/https-server.ts'
import t, { type Test } from '../../../support/tap.ts'

const ca = await createTestCa()
const pair = await ca.issue()
const path = ['api', 'v1', 'namespaces', 'a', 'secrets']

type Handler = (stream: ServerHttp2Stream, path: string) => void

async function setup(t: Test, handler: Handler, options: Http2PoolOptions = {}, concurrent = 1000) {
  const sessions = new Set<ServerHttp2Session>()
  const server: Http2Server = createSecureServer({ ...pair, settings: { maxConcurrentStreams: concurrent } })
  server.on('session', (session) => {
    sessions.add(session)
    session.on('error', () => {})
    session.on('close', () => sessions.delete(session))
  })
  server.on('stream', (stream, headers) => {
    stream.on('error', () => {})
    handler(stream, String(headers[':path']))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const url = `https://127.0.0.1:${port}`
  const pool = createHttp2Pool({ server: url, ca: ca.ca, token: 'secret' }, options)
  t.teardown(async () => {
    await pool.close()
    for (const session of sessions) session.destroy()
    server.close()
  })
  return { pool, sessions, url }
}

/** As API servers do: streams beyond 100 on a connection get no answer. */
function silentBeyond100(handler: Handler): Handler {
  const served = new Map<unknown, number>()
  return (stream, path) => {
    const count = (served.get(stream.session) ?? 0) + 1
    served.set(stream.session, count)
    if (count <= 100) handler(stream, path)
  }
}

const open: Handler = (stream) => {
  stream.respond({ ':status': 200 })
  stream.write('{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"1"}}}\n')
}

t.test(
  'rule 33: 3,000 watches are all answered, over no more than 40 connections of 90 streams',
  async (t) => {
    const { pool, sessions } = await setup(t, silentBeyond100(open))
    const controller = new AbortController()
    let answered = 0
    const watches = Array.from({ length: 3000 }, async (_, index) => {
      const query = { fieldSelector: `metadata.name=s${index}` }
      try {
        for await (const { type } of watchOnce(pool, { path, query, signal: controller.signal })) {
          if (type === 'BOOKMARK') answered += 1
        }
      } catch (error) {
        if (!controller.signal.aborted) throw error
      }
    })
    await eventually('every watch is answered', () => answered === 3000, 20_000)
    t.equal(sessions.size, 34)
    t.equal(pool.connections(), 34)
    controller.abort(new Error('over'))
    await Promise.all(watches)
  },
)

t.test(
  'rule 33: a stream that is never answered ends in time, and its connection is not used again',
  async (t) => {
    const used: unknown[] = []
    const { pool, sessions } = await setup(t, (stream, path) => {
      used.push(stream.session)
      if (!path.includes('silent')) open(stream, path)
    })
    await t.rejects(pool.send({ method: 'GET', path: ['silent'], timeoutMs: 500 }), KubeUnreachableError)
    const answer = await pool.send({ method: 'GET', path })
    t.equal(answer.status, 200)
    t.equal(new Set(used).size, 2)
    await eventually('the silent connection is closed', () => sessions.size === 1)
    answer.body.destroy()
  },
)

t.test('a server that allows fewer streams gets fewer', async (t) => {
  const { pool, sessions } = await setup(t, open, {}, 2)
  const first = await pool.send({ method: 'GET', path })
  const more = await Promise.all(Array.from({ length: 4 }, () => pool.send({ method: 'GET', path })))
  t.ok(sessions.size >= 3, `${sessions.size} connections`)
  for (const { body } of [first, ...more]) body.destroy()
})

t.test('a connection whose PINGs are not answered is given up, its watches end', async (t) => {
  const { url } = await setup(t, open)
  const sockets = new Set<Socket>()
  // A peer that is gone without a word: nothing is passed on any more, and nothing closed.
  const proxy = createServer((client) => {
    const upstream = connect(Number(new URL(url).port), '127.0.0.1')
    for (const socket of [client, upstream]) sockets.add(socket.on('error', () => {}))
    client.pipe(upstream).pipe(client)
  })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  const { port } = proxy.address() as AddressInfo
  const pool = createHttp2Pool(
    { server: `https://127.0.0.1:${port}`, ca: ca.ca },
    { pingIntervalMs: 100, pingTimeoutMs: 500 },
  )
  t.teardown(async () => {
    await pool.close()
    for (const socket of sockets) socket.destroy()
    proxy.close()
  })
  const answer = await pool.send({ method: 'GET', path })
  const reading = text(answer.body)
  for (const socket of sockets) socket.unpipe().pause()
  await t.rejects(reading)
  await eventually('the connection is gone', () => pool.connections() === 0)
})

t.test('GOAWAY: open streams go on, new ones go elsewhere', async (t) => {
  const streams: ServerHttp2Stream[] = []
  const { pool, sessions } = await setup(t, (stream, path) => {
    streams.push(stream)
    open(stream, path)
  })
  const first = await pool.send({ method: 'GET', path })
  ;[...sessions][0]!.goaway()
  await eventually('a second connection', async () => {
    const answer = await pool.send({ method: 'GET', path })
    answer.body.destroy()
    return streams.some((stream) => stream.session !== streams[0]!.session)
  })
  streams[0]!.end('last\n')
  t.match(await text(first.body), /last/)
})

t.test('a reset or a lost connection is an error of the body, not its end', async (t) => {
  for (const end of [
    (stream: ServerHttp2Stream) => stream.destroy(new Error('oops')),
    (stream: ServerHttp2Stream) => stream.session?.destroy(),
    (stream: ServerHttp2Stream) => stream.session?.socket.destroy(),
  ]) {
    let served: ServerHttp2Stream | undefined
    const { pool } = await setup(t, (stream, path) => {
      served = stream
      open(stream, path)
    })
    const events = watchOnce(pool, { path })
    await events.next()
    end(served!)
    await t.rejects(events.next(), KubeUnreachableError, String(end))
  }
})

t.test('json, refusals, redirects and bad paths are as with the other client', async (t) => {
  const { pool } = await setup(t, (stream, path) => {
    const status = Number(/\d+$/.exec(path)?.[0] ?? 200)
    stream.respond({ ':status': status, location: 'https://elsewhere' })
    stream.end(status === 403 ? '{"kind":"Status","reason":"Forbidden"}' : '{"ok":true}')
  })
  t.same(await pool.json({ method: 'GET', path: ['200'] }), { ok: true })
  const error = await pool.json({ method: 'GET', path: ['403'] }).catch((error) => error)
  t.type(error, KubeApiError)
  t.match(error, { status: { reason: 'Forbidden' } })
  await t.rejects(pool.json({ method: 'GET', path: ['302'] }), KubeUnreachableError)
  await t.rejects(pool.send({ method: 'GET', path: ['..'] }), { code: 'bad_request' })
  await t.rejects(pool.send({ method: 'GET', path, headers: { 'impersonate-user': 'x' } }), {
    code: 'bad_request',
  })
})

t.test("the caller's abort ends the stream with its reason, before and after the headers", async (t) => {
  const ended: boolean[] = []
  const { pool } = await setup(t, (stream, path) => {
    stream.on('close', () => ended.push(true))
    if (path.includes('silent')) return
    open(stream, path)
  })
  const reason = new Error('enough')
  const before = new AbortController()
  const pending = pool.send({ method: 'GET', path: ['silent'], signal: before.signal })
  setTimeout(() => before.abort(reason), 200)
  await t.rejects(pending, reason)
  const after = new AbortController()
  const answer = await pool.send({ method: 'GET', path, signal: after.signal })
  const reading = text(answer.body)
  after.abort(reason)
  await t.rejects(reading)
  await eventually('both streams are closed at the server', () => ended.length === 2)
})

t.test('unused connections are closed, wrong certificates refused', async (t) => {
  const { pool, sessions } = await setup(t, open, { idleMs: 20 })
  const answer = await pool.send({ method: 'GET', path })
  answer.body.destroy()
  await eventually('no connection is left', () => sessions.size === 0 && pool.connections() === 0)
  const stub = await startHttpsServer(pair, (_request, response) => response.end('{}'))
  const other = await createTestCa()
  const wrong = createHttp2Pool({ server: stub.url, ca: other.ca })
  t.teardown(() => stub.close())
  await t.rejects(wrong.send({ method: 'GET', path }), KubeUnreachableError)
  t.equal(wrong.connections(), 0)
})

t.test('a server without HTTP/2 is served by the fallback, or refused without one', async (t) => {
  const stub = await startHttpsServer(pair, (_request, response) => response.end('{"one":1}'))
  const target = { server: stub.url, ca: ca.ca }
  const fallback = createKubeClient(target)
  const pool = createHttp2Pool(target, { fallback })
  t.teardown(() => Promise.all([fallback.close(), pool.close(), stub.close()]))
  t.same(await pool.json({ method: 'GET', path }), { one: 1 })
  t.same(await pool.json({ method: 'GET', path }), { one: 1 })
  const strict = createHttp2Pool(target)
  await t.rejects(strict.send({ method: 'GET', path }), { name: 'NoHttp2Error' })
})

t.test('an answer that breaks before anybody reads it ends nothing but itself', async (t) => {
  const { pool } = await setup(t, open)
  const controller = new AbortController()
  const answer = await pool.send({ method: 'GET', path, signal: controller.signal })
  controller.abort(new Error('gone'))
  await eventually('the body is destroyed', () => answer.body.destroyed)
  await t.rejects(text(answer.body), 'and says so when it is read')
})
