import { request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { createKubeClient } from '../../../src/kube/client/index.ts'
import { isKubeApiError, type KubeClient } from '../../../src/kube/client/types.ts'
import { IsthmusError } from '../../../src/protocol/errors/index.ts'
import {
  awaitSpdyUpgrade,
  createSpdyConnection,
  dialRemoteCommand,
  dialSpdyRemoteCommand,
  exitCodeOf,
  openPortForward,
  PORT_FORWARD_TUNNEL_PROTOCOL,
  spdyUpgradeHeaders,
  webSocketDuplex,
} from '../../../src/protocol/streams/index.ts'
import { eventually } from '../../support/eventually.ts'
import { type Loose, startFace, startSandboxFace, type TestFace } from '../../support/kube-face.ts'
import { startRecordingUpstream } from '../../support/recording-upstream.ts'
import t, { type Test } from '../../support/tap.ts'

const POD = ['api', 'v1', 'namespaces', 'shop', 'pods', 'web']

/** The face is a Kubernetes API: our own client of one speaks to it. */
function clientOf(t: Test, face: TestFace, token: string): KubeClient {
  const client = createKubeClient({ server: face.url, token }, { allowInsecureHttp: true })
  t.teardown(() => client.close())
  return client
}

async function withPod(t: Test) {
  const face = await startSandboxFace(t)
  await face.request('POST /api/v1/namespaces', { body: { metadata: { name: 'shop' } } })
  const server = 'require("http").createServer((q,s)=>s.end("hello "+q.url)).listen(process.env.PORT)'
  const port = 20_000 + Math.floor(Math.random() * 20_000)
  const made = await face.request('POST /api/v1/namespaces/shop/pods', {
    body: {
      metadata: { name: 'web' },
      spec: {
        containers: [
          {
            name: 'main',
            image: 'node',
            command: [
              'sh',
              '-c',
              `echo one; ${process.execPath} -e '${server}' & sleep 1; echo two; sleep 60`,
            ],
            env: [{ name: 'PORT', value: String(port) }],
            ports: [{ containerPort: port }],
          },
        ],
      },
    },
  })
  t.equal(made.status, 201, made.text)
  await eventually('it runs', async () => {
    const { json } = await face.request('GET /api/v1/namespaces/shop/pods/web')
    return json.status.phase === 'Running'
  })
  return { face, client: clientOf(t, face, face.token), port }
}

const streams = { stdin: true, stdout: true, stderr: true, tty: false }
const exec = (client: KubeClient, command: string[], protocol = 'v5.channel.k8s.io') =>
  dialRemoteCommand({
    streams,
    dial: () =>
      client.upgrade({
        path: [...POD, 'exec'],
        query: { command, stdin: true, stdout: true, stderr: true },
        protocols: [protocol],
      }),
  })

t.test(
  'rule 22: exec over WebSocket v5 and v4 and over SPDY is one session with its end of stdin and exit code',
  async (t) => {
    const { face, client } = await withPod(t)
    const run = await exec(client, ['sh', '-c', 'cat; echo err >&2; exit 7'])
    run.stdin?.end('some bytes')
    const [out, err, status] = await Promise.all([text(run.stdout!), text(run.stderr!), run.status])
    t.equal(out, 'some bytes')
    t.equal(err, 'err\n')
    t.equal(exitCodeOf(status), 7)
    const older = await exec(client, ['echo', 'v4'], 'v4.channel.k8s.io')
    t.equal(await text(older.stdout!), 'v4\n')
    t.equal(exitCodeOf(await older.status), 0)

    const request = httpRequest({
      host: '127.0.0.1',
      port: face.port,
      method: 'POST',
      path: '/api/v1/namespaces/shop/pods/web/exec?command=cat&stdin=true&stdout=true',
      headers: { ...spdyUpgradeHeaders(['v4.channel.k8s.io']), authorization: `Bearer ${face.token}` },
    })
    request.end()
    const upgraded = await awaitSpdyUpgrade(request)
    const spdy = await dialSpdyRemoteCommand({ ...upgraded, streams: { ...streams, stderr: false } })
    spdy.stdin?.end('spdy bytes')
    t.equal(await text(spdy.stdout!), 'spdy bytes')
    t.equal(exitCodeOf(await spdy.status), 0)

    await eventually('the sessions are over', () =>
      face.fakes.openSessions.every((one) => one.outcome === 'completed'),
    )
    t.equal(face.fakes.openSessions.length, 3)
    t.same(face.fakes.openSessions[0]?.target.command, ['sh', '-c', 'cat; echo err >&2; exit 7'])
    t.ok((face.fakes.openSessions[0]?.bytesIn ?? 0) > 0)
    await eventually('and audited, once each', () => {
      return face.fakes.entries.filter((entry) => entry.resource === 'pods/exec').length === 3
    })
  },
)

t.test('rule 22: a port-forward is a tunnel from end to end, with parallel connections', async (t) => {
  const { client, port } = await withPod(t)
  const ws = await client.upgrade({
    path: [...POD, 'portforward'],
    protocols: [PORT_FORWARD_TUNNEL_PROTOCOL],
  })
  const connection = createSpdyConnection({ stream: webSocketDuplex(ws), role: 'client' })
  const get = async (path: string) => {
    const stream = await openPortForward(connection, port)
    stream.end(`GET ${path} HTTP/1.0\r\n\r\n`)
    return text(stream)
  }
  await eventually('the server listens', async () => (await get('/up').catch(() => '')).includes('hello'))
  const answers = await Promise.all(Array.from({ length: 20 }, (_, index) => get(`/${index}`)))
  t.ok(answers.every((answer, index) => answer.endsWith(`hello /${index}`)))
  await connection.close()
})

t.test('a followed log is a session; a cut-off ends logs, watches and execs at once', async (t) => {
  const { face, client } = await withPod(t)
  const log = await face.stream('/api/v1/namespaces/shop/pods/web/log?follow=true')
  await eventually('both lines', () => log.lines.join() === 'one,two')
  const session = face.fakes.openSessions[0]
  t.equal(session?.target.verb, 'log')
  const watch = await face.stream('/api/v1/pods?watch=true')
  const run = await exec(client, ['sleep', '60'])
  const reason = new IsthmusError('unauthenticated', 'The credential is no longer valid')
  face.fakes.cutOff({ scope: 'node', id: face.nodeId, reason: 'revoked' })
  for (const one of face.fakes.openSessions) one.kill(reason)
  await eventually('the watch has ended', () => watch.ended)
  t.equal(watch.events().at(-1).type, 'ERROR')
  t.equal(watch.events().at(-1).object.code, 401)
  await eventually('the log has ended', () => log.ended)
  await run.status
  await eventually('all sessions are over', () =>
    face.fakes.openSessions.every((one) => one.outcome !== undefined),
  )
})

t.test('rule 22: an upgrade is acting: refused before any upstream byte', async (t) => {
  const upstream = await startRecordingUpstream(t)
  const face = await startFace(t, { client: upstream.client })
  const { token, principal } = face.fakes.addNode({ access: 'read-only' })
  face.fakes.addNamespace(principal.nodeId, 'shop')
  const client = clientOf(t, face, token)
  const path = [...POD, 'exec']
  const refused = await exec(client, ['id']).catch((error: unknown) => error)
  t.ok(isKubeApiError(refused, 403))
  for (const line of ['GET', 'POST'] as const) {
    const spdy = await raw(face, `${line} /${path.join('/')}?command=id&stdout=true HTTP/1.1`, {
      Connection: 'Upgrade',
      Upgrade: 'SPDY/3.1',
      'X-Stream-Protocol-Version': 'v4.channel.k8s.io',
      Authorization: `Bearer ${token}`,
    })
    t.match(spdy, /^HTTP\/1.1 403 /)
    const plain = await face.request(`${line} /${path.join('/')}?command=id`, { token })
    t.ok([400, 403].includes(plain.status), 'without an upgrade')
  }
  t.match(
    await raw(face, `GET /${path.join('/')}?command=id&stdout=1 HTTP/1.1`, websocket({})),
    /^HTTP\/1.1 401 /,
  )
  const foreign = websocket({ Authorization: `Bearer ${token}`, Origin: 'https://evil.example' })
  t.match(await raw(face, `GET /${path.join('/')}?command=id&stdout=1 HTTP/1.1`, foreign), /^HTTP\/1.1 403 /)
  t.equal(upstream.requests.length + upstream.upgrades.length, 0)
})

t.test('queries of streams: unknown parameters, no stream, no command, no such container', async (t) => {
  const upstream = await startRecordingUpstream(t)
  const face = await startFace(t, { client: upstream.client })
  const { token, principal } = face.fakes.addNode()
  const { physicalName } = face.fakes.addNamespace(principal.nodeId, 'shop')
  upstream.on(`GET /api/v1/namespaces/${physicalName}/pods/web`, {
    json: {
      metadata: { name: 'web', namespace: physicalName, labels: { 'isthmus.dev/node': principal.nodeId } },
      spec: { containers: [{ name: 'a' }, { name: 'b' }] },
    },
  })
  for (const [query, status] of [
    ['command=id&stdout=true&insecureSkipTLSVerifyBackend=true', 400],
    ['command=id', 400],
    ['stdout=true', 400],
    ['command=id&stdout=true', 400],
    ['command=id&stdout=true&container=../x', 400],
    ['command=id&stdout=true&stderr=true&tty=true&container=a', 400],
    ['command=id&stdout=true&container=a&container=b', 400],
  ] as const) {
    const answer = await raw(
      face,
      `GET /api/v1/namespaces/shop/pods/web/exec?${query} HTTP/1.1`,
      websocket({ Authorization: `Bearer ${token}` }),
    )
    t.match(answer, new RegExp(`^HTTP/1.1 ${status} `), query)
  }
  for (const query of [
    'tailLines=-1',
    'sinceSeconds=0',
    'limitBytes=x',
    'follow=true&nope=1',
    'sinceTime=now',
    'tailLines=1&tailLines=2',
  ]) {
    t.equal(
      (await face.request(`GET /api/v1/namespaces/shop/pods/web/log?container=a&${query}`)).status,
      400,
      query,
    )
  }
  t.equal(upstream.upgrades.length, 0)
})

t.test(
  'a data plane that refuses, redirects or answers an upgrade with 200 ends it in an error, once',
  async (t) => {
    const upstream = await startRecordingUpstream(t)
    const face = await startFace(t, { client: upstream.client })
    const { token, principal } = face.fakes.addNode()
    const { physicalName } = face.fakes.addNamespace(principal.nodeId, 'shop')
    upstream.on('GET /api/v1/namespaces', {
      json: {
        metadata: { name: 'web', namespace: physicalName, labels: { 'isthmus.dev/node': principal.nodeId } },
        spec: { containers: [{ name: 'a' }] },
      },
    })
    for (const [answer, status] of [
      ['HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n', 503],
      ['HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n', 403],
      ['HTTP/1.1 307 Temporary Redirect\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n', 503],
      ['', 503],
    ] as const) {
      upstream.onUpgrade = (_request, socket) => (answer === '' ? socket.destroy() : socket.end(answer))
      const told = await raw(
        face,
        'GET /api/v1/namespaces/shop/pods/web/exec?command=id&stdout=true HTTP/1.1',
        websocket({ Authorization: `Bearer ${token}` }),
        'GET /api/v1/pods HTTP/1.1\r\nHost: x\r\n\r\n',
      )
      t.match(told, new RegExp(`^HTTP/1.1 ${status} `), answer)
      t.equal(told.match(/HTTP\/1\.1/g)?.length, 1, 'the socket is not used again (CVE-2018-1002105)')
    }
    t.ok(upstream.upgrades.every((one) => one.headers.authorization === 'Bearer data-plane-credential'))
    t.ok(face.fakes.openSessions.every((one) => one.outcome === 'refused'))
    t.notOk(upstream.bytes().includes(token), 'the tenant’s token never goes upstream')
  },
)

t.test('rule 23: discovery and OpenAPI as clients compare them', async (t) => {
  const upstream = await startRecordingUpstream(t)
  const face = await startFace(t, { client: upstream.client })
  const mine = face.fakes.addNode()
  const theirs = face.fakes.addNode({ tenantName: 'other' })
  const AGGREGATED = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'
  const get = (path: string, headers: Record<string, string> = {}, token = mine.token) =>
    face.request(`GET ${path}`, { headers, token })
  for (const path of ['/api', '/apis']) {
    const answer = await get(path, { accept: `${AGGREGATED},application/json` })
    t.equal(answer.headers['content-type'], AGGREGATED)
    t.equal(answer.headers.vary, 'Accept')
    t.ok(answer.headers.etag)
    t.equal(answer.json.kind, 'APIGroupDiscoveryList')
    const again = await get(path, { accept: AGGREGATED, 'if-none-match': String(answer.headers.etag) })
    t.equal(again.status, 304)
    t.equal(
      (await get(path, { accept: AGGREGATED }, theirs.token)).text,
      answer.text,
      'the same for all tenants',
    )
    t.equal((await get(path)).headers['content-type'], 'application/json')
  }
  const resources = (await get('/api/v1')).json.resources.map((one: Loose) => one.name)
  t.ok(resources.includes('pods/exec'))
  t.notOk(resources.includes('nodes') || resources.includes('services'))
  for (const path of [
    '/api/v1/nodes',
    '/apis/apps/v1/deployments',
    '/apis/apps',
    '/openapi/v1',
    '/api/v1/namespaces/x/pods/y/proxy',
  ]) {
    t.equal((await get(path)).status, 404, path)
  }
  const index = (await get('/openapi/v3')).json
  const url = index.paths['api/v1'].serverRelativeURL
  const document = (await get(url)).json
  const patch = document.paths['/api/v1/namespaces/{namespace}/pods/{name}'].patch
  t.same(patch['x-kubernetes-group-version-kind'], { group: '', kind: 'Pod', version: 'v1' })
  t.ok(patch.parameters.some((one: Loose) => one.name === 'fieldValidation'))
  t.notOk(Object.keys(document.paths).some((path) => path.includes('nodes')))
  t.equal((await get('/version')).json.major, '1')
  for (const path of ['/api', '/apis', '/version', '/openapi/v3', url, '/api/v1/pods', '/api/nope']) {
    const anonymous = await get(path, { authorization: '' }, '')
    t.equal(anonymous.status, 401, `${path} needs a token`)
  }
})

const websocket = (headers: Record<string, string>) => ({
  Connection: 'Upgrade',
  Upgrade: 'websocket',
  'Sec-WebSocket-Version': '13',
  'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
  'Sec-WebSocket-Protocol': 'v5.channel.k8s.io',
  ...headers,
})

/** Sends raw bytes and returns everything that comes back until the other side closes. */
async function raw(
  face: TestFace,
  line: string,
  headers: Record<string, string>,
  more = '',
): Promise<string> {
  const socket = connect(face.port, '127.0.0.1')
  const lines = Object.entries({ Host: `127.0.0.1:${face.port}`, ...headers }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  )
  socket.write(`${line}\r\n${lines.join('')}\r\n${more}`)
  return text(socket)
}
