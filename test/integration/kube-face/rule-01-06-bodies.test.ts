import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { devCertificates } from '../../../src/gateway/dev/certificates.ts'
import { makeServer } from '../../../src/gateway/plugins/server.ts'
import { createKubeClient } from '../../../src/kube/client/index.ts'
import { silentLogger } from '../../../src/lib/logger.ts'
import { eventually } from '../../support/eventually.ts'
import { startFace } from '../../support/kube-face.ts'
import { type RecordingUpstream, startRecordingUpstream } from '../../support/recording-upstream.ts'
import t, { type Test } from '../../support/tap.ts'

const JSON_TYPE = 'application/json'
const PROTOBUF = 'application/vnd.kubernetes.protobuf'

async function setUp(t: Test) {
  const upstream = await startRecordingUpstream(t)
  const face = await startFace(t, { client: upstream.client })
  const { principal } = face.fakes.addNode()
  const { physicalName } = face.fakes.addNamespace(principal.nodeId, 'shop')
  return { upstream, face, principal, physicalName }
}

/** One field of a protobuf message. */
const field = (number: number, value: string | Buffer): Buffer => {
  const bytes = Buffer.from(value)
  return Buffer.concat([Buffer.from([(number << 3) | 2, bytes.length]), bytes])
}

const lastBody = (upstream: RecordingUpstream) => JSON.parse(upstream.requests.at(-1)?.body ?? 'null')

t.test('rule 1: a protobuf body makes the same upstream request as JSON, and answers are JSON', async (t) => {
  const { upstream, face, physicalName } = await setUp(t)
  const made = { metadata: { name: 'c', namespace: physicalName, labels: {} }, data: { a: 'b' } }
  upstream.on('POST /api/v1/namespaces', { status: 201, json: made })
  const config = Buffer.concat([
    field(1, field(1, 'c')),
    field(2, Buffer.concat([field(1, 'a'), field(2, 'b')])),
  ])
  const type = Buffer.concat([field(1, 'v1'), field(2, 'ConfigMap')])
  const body = Buffer.concat([Buffer.from('k8s\0'), field(1, type), field(2, config)])
  const byProtobuf = await face.request('POST /api/v1/namespaces/shop/configmaps', {
    body,
    contentType: PROTOBUF,
    headers: { accept: `${PROTOBUF},${JSON_TYPE}` },
  })
  t.equal(byProtobuf.status, 201, byProtobuf.text)
  t.equal(byProtobuf.headers['content-type'], JSON_TYPE)
  const first = lastBody(upstream)
  await face.request('POST /api/v1/namespaces/shop/configmaps', {
    body: { metadata: { name: 'c' }, data: { a: 'b' } },
  })
  t.same(first, lastBody(upstream))
  t.equal(first.data.a, 'b')
  const only = await face.request('GET /api/v1/namespaces/shop/configmaps/c', {
    headers: { accept: PROTOBUF },
  })
  t.equal(only.status, 406)
})

t.test('rule 2: bookmarks come through, with the end of the initial events', async (t) => {
  const { upstream, face } = await setUp(t)
  const bookmark = {
    type: 'BOOKMARK',
    object: {
      kind: 'Pod',
      apiVersion: 'v1',
      metadata: { resourceVersion: '7', annotations: { 'k8s.io/initial-events-end': 'true' } },
    },
  }
  upstream.on('GET /api/v1/pods', (response) => response.end(`${JSON.stringify(bookmark)}\n`))
  const watch = await face.stream(
    '/api/v1/pods?watch=true&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan',
  )
  await eventually('the bookmark', () => watch.lines.length === 1)
  const [event] = watch.events()
  t.equal(event.type, 'BOOKMARK')
  t.equal(event.object.metadata.resourceVersion, '7')
  t.equal(event.object.metadata.annotations['k8s.io/initial-events-end'], 'true')
  const asked = new URL(upstream.requests[0]?.url ?? '', 'http://x').searchParams
  t.equal(asked.get('sendInitialEvents'), 'true')
  t.equal(asked.get('allowWatchBookmarks'), 'true')
  t.equal(asked.get('resourceVersionMatch'), 'NotOlderThan')
})

t.test(
  'rule 3: headers of a watch come at once, nothing is compressed, Accept-Encoding stays here',
  async (t) => {
    const { upstream, face } = await setUp(t)
    upstream.on('GET /api/v1/pods', (response) => response.writeHead(200).flushHeaders())
    const watch = await face.stream('/api/v1/pods?watch=true', { headers: { 'accept-encoding': 'gzip, br' } })
    t.equal(watch.status, 200, 'no event was sent, and the answer is there')
    t.equal(watch.headers['content-encoding'], undefined)
    t.ok(watch.headers['x-request-id'], 'streamed answers carry the request’s id')
    t.equal(upstream.requests[0]?.headers['accept-encoding'], 'identity')
  },
)

t.test('rule 3: idle connections are kept longer than Go clients keep them', async (t) => {
  const app = makeServer({ logger: silentLogger })
  t.ok(app.server.keepAliveTimeout >= 95_000, 'Go keeps them 90 s; the other way round a POST meets EOF')
  await app.close()
})

t.test('rule 4: development mode has TLS with a CA of its own', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'isthmus-tls-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  const files = await devCertificates(folder, ['localhost', '127.0.0.1'])
  const tls = { cert: await readFile(files.certFile, 'utf8'), key: await readFile(files.keyFile, 'utf8') }
  const app = makeServer({ logger: silentLogger, tls })
  t.teardown(() => app.close())
  app.get('/version', async () => ({ major: '1' }))
  const server = await app.listen({ host: '127.0.0.1', port: 0 })
  const client = createKubeClient({ server, ca: await readFile(files.caFile, 'utf8') })
  t.teardown(() => client.close())
  t.equal((await client.json<{ major: string }>({ method: 'GET', path: ['version'] })).major, '1')
})

t.test(
  'rule 5: long names, large bodies and strings that look like numbers are Kubernetes’ to judge',
  async (t) => {
    const { upstream, face } = await setUp(t)
    const long = await face.request(`GET /api/v1/namespaces/shop/configmaps/${'a'.repeat(253)}`)
    t.equal(long.status, 404, 'not 414')
    t.equal((await face.request(`GET /api/v1/namespaces/shop/configmaps/${'a'.repeat(254)}`)).status, 404)
    upstream.on('POST /api/v1/namespaces', { status: 201, json: { metadata: { name: 'big' } } })
    const big = await face.request('POST /api/v1/namespaces/shop/secrets', {
      body: { metadata: { name: 'big' }, data: { a: 'A'.repeat(1_400_000) } },
    })
    t.equal(big.status, 201, 'a Secret of 1 MiB before base64')
    const tooBig = await face.request('POST /api/v1/namespaces/shop/secrets', {
      body: { metadata: { name: 'big' }, data: { a: 'A'.repeat(3_200_000) } },
    })
    t.equal(tooBig.status, 413)
    t.equal(tooBig.json.reason, 'RequestEntityTooLarge')
    await face.request('POST /api/v1/namespaces/shop/configmaps', {
      body: { metadata: { name: 'c' }, immutable: '5', data: { a: '5' } },
    })
    t.equal(lastBody(upstream).immutable, '5', 'nothing is coerced on the way')
  },
)

t.test('rule 6: the client’s User-Agent goes upstream, from which the field manager comes', async (t) => {
  const { upstream, face } = await setUp(t)
  await face.request('POST /api/v1/namespaces/shop/configmaps', {
    body: { metadata: { name: 'c' } },
    headers: { 'user-agent': 'kubectl/v1.36.3 (linux/amd64)' },
  })
  t.equal(upstream.requests.at(-1)?.headers['user-agent'], 'kubectl/v1.36.3 (linux/amd64)')
})

t.test(
  'rule 6a: unknown fields are refused, dropped with a warning or dropped, and never forwarded',
  async (t) => {
    const { upstream, face, physicalName } = await setUp(t)
    const pod = {
      metadata: { name: 'p' },
      spec: { containers: [{ name: 'a', image: 'b', madeUp: 1 }], restartPolicy: 'Always' },
    }
    upstream.on('POST /api/v1/namespaces', (response, request) => {
      response.writeHead(201, { 'content-type': JSON_TYPE }).end(request.body)
    })
    const path = 'POST /api/v1/namespaces/shop/pods'
    const strict = await face.request(`${path}?fieldValidation=Strict`, { body: pod })
    t.equal(strict.status, 400)
    t.match(strict.json.message, 'unknown field "spec.containers[0].madeUp"')
    t.equal(upstream.requests.length, 0)
    const warned = await face.request(`${path}?fieldValidation=Warn`, { body: pod })
    t.equal(warned.status, 201, warned.text)
    t.match(String(warned.headers.warning), 'unknown field')
    t.notMatch(upstream.requests.at(-1)?.body ?? '', 'madeUp')
    const ignored = await face.request(`${path}?fieldValidation=Ignore`, { body: pod })
    t.equal(ignored.status, 201)
    t.equal(ignored.headers.warning, undefined)
    t.notMatch(upstream.requests.at(-1)?.body ?? '', 'madeUp')
    const url = new URL(upstream.requests.at(-1)?.url ?? '', 'http://x')
    t.equal(url.searchParams.get('fieldValidation'), 'Strict')
    t.equal(url.pathname, `/api/v1/namespaces/${physicalName}/pods`)
    const forbidden = await face.request(`${path}?fieldValidation=Ignore`, {
      body: { ...pod, spec: { ...pod.spec, hostNetwork: true } },
    })
    t.equal(forbidden.status, 422)
    t.equal(forbidden.json.details.causes[0].field, 'spec.hostNetwork')
  },
)

t.test('bodies that are no objects of the kind are refused before any upstream byte', async (t) => {
  const { upstream, face } = await setUp(t)
  const path = 'POST /api/v1/namespaces/shop/pods'
  for (const [body, contentType, status] of [
    ['{"metadata":', JSON_TYPE, 400],
    ['[]', JSON_TYPE, 400],
    ['{}trailing', JSON_TYPE, 400],
    ['{"kind":"PodList"}', JSON_TYPE, 400],
    ['{"kind":"Pod","apiVersion":"v2"}', JSON_TYPE, 400],
    ['{"metadata":{"namespace":"other","name":"x"}}', JSON_TYPE, 400],
    ['a: b', 'application/yaml', 415],
    ['{}', 'application/json\ta', 415],
    ['{}', 'text/plain', 415],
    [gzipSync('{}'), 'application/cbor', 415],
    ['k8s', PROTOBUF, 400],
  ] as const) {
    const answer = await face.request(path, { body, contentType })
    t.equal(answer.status, status, `${contentType} ${String(body).slice(0, 30)}: ${answer.text}`)
    t.equal(answer.json.kind, 'Status')
  }
  t.same(upstream.requests, [])
})
