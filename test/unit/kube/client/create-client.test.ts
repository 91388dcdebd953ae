import type { IncomingMessage, RequestListener } from 'node:http'
import { text } from 'node:stream/consumers'
import {
  createKubeClient,
  KubeApiError,
  type KubeClientOptions,
  type KubeTarget,
  KubeUnreachableError,
} from '../../../../src/kube/client/index.ts'
import { isIsthmusError } from '../../../../src/protocol/errors/index.ts'
import { createTestCa } from '../../../support/certificates.ts'
import { eventually } from '../../../support/eventually.ts'
import { startHttpsServer } from '../../../support/https-server.ts'
import t, { type Test } from '../../../support/tap.ts'

const ca = await createTestCa()
const pair = await ca.issue()

async function setup(
  t: Test,
  handler: RequestListener,
  { target, options }: { target?: Partial<KubeTarget>; options?: KubeClientOptions } = {},
) {
  const seen: IncomingMessage[] = []
  const stub = await startHttpsServer(pair, (request, response) => {
    seen.push(request)
    handler(request, response)
  })
  const client = createKubeClient({ server: stub.url, ca: ca.ca, token: 'secret', ...target }, options)
  t.teardown(async () => {
    await client.close()
    await stub.close()
  })
  return { client, stub, seen }
}

const path = ['api', 'v1', 'namespaces', 'a', 'pods', 'p']
const ok: RequestListener = (_request, response) => response.end('{"kind":"Pod"}')

t.test('json sends path, query, headers and token, and parses the answer', async (t) => {
  const { client, seen } = await setup(t, ok, { target: {}, options: { userAgent: 'isthmus/1' } })
  const query = { labelSelector: 'a=b,c in (d,é)', limit: 5, watch: undefined, dryRun: ['All', 'x'] }
  t.same(await client.json({ method: 'GET', path, query }), { kind: 'Pod' })
  const url = new URL(seen[0]!.url!, 'https://x')
  t.equal(url.pathname, '/api/v1/namespaces/a/pods/p')
  t.equal(url.searchParams.get('labelSelector'), 'a=b,c in (d,é)')
  t.same(url.searchParams.getAll('dryRun'), ['All', 'x'])
  t.notOk(url.searchParams.has('watch'))
  t.match(seen[0]!.headers, {
    authorization: 'Bearer secret',
    'user-agent': 'isthmus/1',
    'accept-encoding': 'identity',
    accept: 'application/json',
  })
})

t.test('a body made of an object is JSON, bytes go as they are with their own type', async (t) => {
  const bodies: string[] = []
  const { client, seen } = await setup(t, async (request, response) => {
    bodies.push(await text(request))
    response.end('{}')
  })
  await client.json({ method: 'POST', path, body: { a: 1 } })
  const headers = { 'Content-Type': 'application/merge-patch+json' }
  await client.json({ method: 'PATCH', path, body: Buffer.from('raw'), headers })
  t.same(bodies, ['{"a":1}', 'raw'])
  t.same(
    seen.map((request) => request.headers['content-type']),
    ['application/json', 'application/merge-patch+json'],
  )
})

t.test('a path prefix of the server stays in front of every path', async (t) => {
  const stub = await setup(t, ok)
  const client = createKubeClient({ server: `${stub.stub.url}/k8s/clusters/c-1/`, ca: ca.ca })
  t.teardown(() => client.close())
  await client.json({ method: 'GET', path: ['version'] })
  t.equal(stub.seen[0]!.url, '/k8s/clusters/c-1/version')
})

t.test('A14: no segment reaches another place than the one it names, nothing is sent', async (t) => {
  const { client, seen } = await setup(t, ok)
  const bad = ['', '.', '..', '../x', 'a/b', 'a\\b', '%2e%2e', '%2F', 'a?b', 'a#b', 'a\0', 'a b', '\ud800']
  for (const segment of [...bad, undefined, 5, 'x'.repeat(1025)]) {
    const request = { method: 'GET' as const, path: ['api', 'v1', segment as string] }
    await t.rejects(client.send(request), { code: 'bad_request' }, JSON.stringify(segment))
    await t.rejects(client.upgrade({ ...request, protocols: ['v5.channel.k8s.io'] }), { code: 'bad_request' })
  }
  await t.rejects(client.send({ method: 'GET', path: [] }), { code: 'bad_request' })
  t.equal(seen.length, 0)
})

t.test('names with colons reach the server encoded', async (t) => {
  const { client, seen } = await setup(t, ok)
  await client.json({ method: 'GET', path: ['x', 'system:node:a;b'] })
  t.equal(decodeURIComponent(seen[0]!.url!), '/x/system:node:a;b')
})

t.test('A3, A4: a header outside the allow-list throws and nothing is sent', async (t) => {
  const { client, seen } = await setup(t, ok)
  const names = ['Impersonate-User', 'impersonate-extra-x', 'X-Remote-User', 'Authorization', 'Connection']
  for (const name of [...names, 'upgrade', 'x_remote_user', 'cookie', 'Host', 'transfer-encoding']) {
    await t.rejects(
      client.send({ method: 'GET', path, headers: { [name]: 'x' } }),
      { code: 'bad_request' },
      name,
    )
  }
  const split = { accept: 'a\r\nimpersonate-user: root' }
  await t.rejects(client.send({ method: 'GET', path, headers: split }), { code: 'bad_request' })
  t.equal(seen.length, 0)
})

t.test('A2: a redirect is never followed, for any method', async (t) => {
  const second = await setup(t, ok)
  for (const code of [301, 302, 303, 307, 308]) {
    const first = await setup(t, (_request, response) => {
      response.writeHead(code, { location: `${second.stub.url}/api/v1/secrets` }).end()
    })
    await t.rejects(first.client.json({ method: 'GET', path }), KubeUnreachableError, `GET ${code}`)
    await t.rejects(first.client.json({ method: 'POST', path, body: {} }), KubeUnreachableError)
  }
  t.equal(second.seen.length, 0)
})

t.test('a refusal is a KubeApiError with its Status and Retry-After', async (t) => {
  const status = { kind: 'Status', reason: 'TooManyRequests', message: 'slow', details: { name: 'p' } }
  const { client } = await setup(t, (_request, response) => {
    response.writeHead(429, { 'retry-after': '7' }).end(JSON.stringify(status))
  })
  const error = await client.json({ method: 'GET', path }).catch((error) => error)
  t.type(error, KubeApiError)
  t.match(error, { code: 429, status, retryAfterSeconds: 7, message: 'slow' })
})

t.test('an error that is no JSON, or JSON that is no Status, becomes a Status of its text', async (t) => {
  for (const [code, body, reason] of [
    [404, '404 page not found\n', 'NotFound'],
    [503, '{"kind":"Status","message":5}', 'ServiceUnavailable'],
    [500, '', 'InternalError'],
    [418, '<html>', undefined],
  ] as const) {
    const { client } = await setup(t, (_request, response) => response.writeHead(code).end(body))
    const error = await client.json({ method: 'GET', path }).catch((error) => error)
    t.type(error, KubeApiError)
    t.match(error, { code, status: { kind: 'Status', status: 'Failure', reason } })
    t.ok((error as Error).message.length > 0)
  }
})

t.test('send returns an answer outside 2xx instead of throwing', async (t) => {
  const { client } = await setup(t, (_request, response) => response.writeHead(404).end('no'))
  const answer = await client.send({ method: 'GET', path })
  t.equal(answer.status, 404)
  t.equal(await text(answer.body), 'no')
})

t.test('an answer that is not whole, no JSON or too large is KubeUnreachableError', async (t) => {
  const cases: Record<string, RequestListener> = {
    reset: (request) => request.socket.destroy(),
    half: (request, response) => {
      response.writeHead(200, { 'content-length': '100' })
      response.write('{"a":')
      setImmediate(() => request.socket.destroy())
    },
    'not JSON': (_request, response) => response.end('<html>'),
    'too large': (_request, response) => response.end(JSON.stringify('x'.repeat(2000))),
    'odd bytes': (request) => request.socket.end('garbage\r\n\r\n'),
  }
  for (const [name, handler] of Object.entries(cases)) {
    const { client } = await setup(t, handler, { options: { maxJsonBytes: 1000 } })
    await t.rejects(client.json({ method: 'POST', path }), KubeUnreachableError, name)
  }
})

t.test('no headers within the limit, or a body that stops, is KubeUnreachableError', async (t) => {
  const silent = await setup(t, () => {})
  await t.rejects(silent.client.json({ method: 'GET', path, timeoutMs: 50 }), KubeUnreachableError)
  const stops = await setup(t, (_request, response) => {
    response.writeHead(200)
    response.write('{')
  })
  await t.rejects(stops.client.json({ method: 'GET', path, timeoutMs: 200 }), KubeUnreachableError)
})

t.test('a token that never comes counts against the limit', async (t) => {
  const never = () => new Promise<string>(() => {})
  const { client, seen } = await setup(t, ok, { target: { token: never } })
  await t.rejects(client.json({ method: 'GET', path, timeoutMs: 50 }), KubeUnreachableError)
  t.equal(seen.length, 0)
})

t.test("the caller's abort rejects with its reason, before and after the headers", async (t) => {
  const { client } = await setup(t, (_request, response) => {
    response.writeHead(200)
    response.write('{')
  })
  const reason = new Error('enough')
  await t.rejects(client.json({ method: 'GET', path, signal: AbortSignal.abort(reason) }), reason)
  const controller = new AbortController()
  const answer = await client.send({ method: 'GET', path, signal: controller.signal })
  controller.abort(reason)
  await t.rejects(text(answer.body))
  const second = new AbortController()
  const pending = client.json({ method: 'GET', path, signal: second.signal })
  second.abort(reason)
  await t.rejects(pending, reason)
})

t.test('the token is asked for before each request', async (t) => {
  let count = 0
  const { client, seen } = await setup(t, ok, { target: { token: async () => `t${++count}` } })
  await client.json({ method: 'GET', path })
  await client.json({ method: 'GET', path })
  t.same(
    seen.map((request) => request.headers.authorization),
    ['Bearer t1', 'Bearer t2'],
  )
})

t.test('a burst of requests waits for few connections; a watch has one of its own', async (t) => {
  const watch = ['api', 'v1', 'pods']
  let most = 0
  const { client, stub } = await setup(
    t,
    (request, response) => {
      most = Math.max(most, stub.sockets.size)
      if (request.url === '/api/v1/pods') response.flushHeaders()
      else setImmediate(() => response.end('{"kind":"Pod"}'))
    },
    { options: { briefConnections: 3 } },
  )
  const bodies = await Promise.all([1, 2].map(() => client.send({ method: 'GET', path: watch })))
  await Promise.all(Array.from({ length: 60 }, () => client.json({ method: 'GET', path })))
  t.equal(most, 5)
  for (const { body } of bodies) body.destroy()
})

t.test('the connection is kept after a DELETE with a body', async (t) => {
  let opened = 0
  const { client, stub } = await setup(t, (request, response) =>
    request.resume().on('end', () => ok(request, response)),
  )
  stub.server.on('secureConnection', () => opened++)
  for (let time = 0; time < 4; time++) {
    await client.json({ method: 'DELETE', path, body: { preconditions: { uid: 'u' } } })
  }
  t.ok(opened <= 2, `${opened} connections for four requests in turn`)
})

t.test('connections are kept; a read meets a closed one only once, a write says so', async (t) => {
  const { client, stub, seen } = await setup(t, ok)
  for (let i = 0; i < 5; i++) await client.json({ method: 'GET', path })
  t.ok(stub.sockets.size <= 2, `${stub.sockets.size} connections for five requests in turn`)
  let requests = 0
  stub.server.prependListener('request', (request) => {
    if (++requests === 1) request.socket.destroy()
  })
  t.same(await client.json({ method: 'GET', path }), { kind: 'Pod' })
  t.equal(seen.length, 7)
})

t.test('A19: TLS is verified: wrong CA, wrong name, expired, plain http', async (t) => {
  const other = await createTestCa()
  const pairs = {
    'wrong CA': await other.issue(),
    'wrong name': await ca.issue({ ip: ['10.9.9.9'], dns: ['other'] }),
    expired: await ca.issue({ notAfter: new Date(Date.now() - 1000) }),
  }
  for (const [name, pair] of Object.entries(pairs)) {
    let reached = 0
    const stub = await startHttpsServer(pair, (_request, response) => {
      reached += 1
      response.end('{}')
    })
    const client = createKubeClient({ server: stub.url, ca: ca.ca, token: 'secret' })
    t.teardown(() => Promise.all([client.close(), stub.close()]))
    await t.rejects(client.json({ method: 'GET', path }), KubeUnreachableError, name)
    await t.rejects(client.upgrade({ path, protocols: ['v5.channel.k8s.io'] }), KubeUnreachableError, name)
    t.equal(reached, 0)
  }
  for (const server of ['http://127.0.0.1:1', 'nonsense', 'https://u:p@h', 'https://h/?x=1', 'ftp://h']) {
    t.throws(() => createKubeClient({ server }), { code: 'invalid' }, server)
  }
})

t.test(
  'a server under another name is verified by tlsServerName; a client certificate is shown',
  async (t) => {
    const server = await ca.issue({ dns: ['kubernetes'], ip: [] })
    const mine = await ca.issue({ commonName: 'me' })
    const options = { requestCert: true, ca: ca.ca }
    let subject = ''
    const stub = await startHttpsServer(
      server,
      (request, response) => {
        const socket = request.socket as import('node:tls').TLSSocket
        subject = String(socket.getPeerCertificate().subject.CN)
        response.end('{}')
      },
      options,
    )
    const client = createKubeClient({
      server: stub.url,
      ca: ca.ca,
      tlsServerName: 'kubernetes',
      clientCertificate: mine,
    })
    t.teardown(() => Promise.all([client.close(), stub.close()]))
    await client.json({ method: 'GET', path })
    t.equal(subject, 'me')
  },
)

t.test('a large answer is held back while nobody reads it', async (t) => {
  let written = 0
  const chunk = Buffer.alloc(256 * 1024)
  const { client } = await setup(t, (_request, response) => {
    const more = () => {
      while (written < 200 * chunk.length) {
        written += chunk.length
        if (!response.write(chunk)) return response.once('drain', more)
      }
      return response.end()
    }
    more()
  })
  const answer = await client.send({ method: 'GET', path })
  let last = 0
  await eventually('the sender waits', () => {
    const stands = written > 0 && written === last
    last = written
    return stands
  })
  t.ok(written < 100 * chunk.length, `${written} bytes were taken without a reader`)
  answer.body.on('error', () => {}).destroy()
})

t.test('errors of the request itself are IsthmusErrors and nothing else', async (t) => {
  const { client } = await setup(t, ok, { target: { token: 'a b' } })
  const error = await client.json({ method: 'GET', path }).catch((error) => error)
  t.ok(isIsthmusError(error, 'bad_request'))
})

t.test('an answer that breaks before anybody reads it ends nothing but itself', async (t) => {
  const { client } = await setup(t, (_request, response) => response.writeHead(200).write('{'))
  const controller = new AbortController()
  const answer = await client.send({ method: 'GET', path, signal: controller.signal })
  controller.abort(new Error('gone'))
  await eventually('the body is destroyed', () => answer.body.destroyed)
  await t.rejects(text(answer.body), 'and says so when it is read')
})
