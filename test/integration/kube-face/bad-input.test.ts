import { connect } from 'node:net'
import fc from 'fast-check'
import type { Principal } from '../../../src/gateway/tokens/principal.ts'
import { eventually } from '../../support/eventually.ts'
import { type Loose, startFace } from '../../support/kube-face.ts'
import { startRecordingUpstream } from '../../support/recording-upstream.ts'
import t, { type Test } from '../../support/tap.ts'

async function setUp(t: Test, options: Partial<Principal> = {}) {
  const upstream = await startRecordingUpstream(t)
  const face = await startFace(t, { client: upstream.client })
  const { principal, token } = face.fakes.addNode(options)
  const { physicalName } = face.fakes.addNamespace(principal.nodeId, 'shop')
  const own = (name: string, extra: object = {}) => ({
    metadata: {
      name,
      namespace: physicalName,
      uid: `uid-${name}`,
      labels: { 'isthmus.dev/node': principal.nodeId },
    },
    spec: { containers: [{ name: 'a', image: 'b' }] },
    ...extra,
  })
  return { upstream, face, principal, token, physicalName, own }
}

t.test('writes of an agent carry the writer’s epoch, a read-only credential writes nothing', async (t) => {
  const { upstream, face, principal } = await setUp(t, { credentialKind: 'agent' })
  upstream.on('POST /api/v1/', (response, request) => response.writeHead(201).end(request.body))
  face.fakes.setWriterEpoch(principal.nodeId, 5)
  const create = (headers: Record<string, string>, token?: string) =>
    face.request('POST /api/v1/namespaces/shop/configmaps', {
      body: { metadata: { name: 'c' } },
      headers,
      token,
    })
  t.equal((await create({})).status, 400)
  t.equal((await create({ 'isthmus-writer-epoch': '4' })).status, 409)
  t.match((await create({ 'isthmus-writer-epoch': '4' })).json.message, 'epoch 4 is not the writer lease’s')
  t.equal((await create({ 'isthmus-writer-epoch': '5' })).status, 201)
  t.equal((await create({ 'isthmus-writer-epoch': '6' })).status, 409, 'nor one that was never given')
  const { refresh } = face.fakes.directory
  face.fakes.directory.refresh = async () => face.fakes.setWriterEpoch(principal.nodeId, 6)
  t.equal((await create({ 'isthmus-writer-epoch': '6' })).status, 201, 'another replica has given it')
  t.equal((await create({ 'isthmus-writer-epoch': '5' })).status, 409)
  face.fakes.directory.refresh = refresh
  face.fakes.setAway(true)
  t.equal(
    (await create({ 'isthmus-writer-epoch': '7' })).status,
    503,
    'what can not be checked is no refusal',
  )
  face.fakes.setAway(false)
  face.fakes.setWriterEpoch(principal.nodeId, 5)
  t.equal((await face.request('GET /api/v1/namespaces/shop/configmaps/x')).status, 404, 'reads need none')
  const reader = face.fakes.addNode({ ...principal, credentialKind: 'client', access: 'read-only' })
  t.equal((await create({}, reader.token)).status, 403)
  const review = async (verb: string, subresource?: string) => {
    const resourceAttributes = { verb, resource: 'pods', namespace: 'shop', subresource }
    const body = {
      kind: 'SelfSubjectAccessReview',
      apiVersion: 'authorization.k8s.io/v1',
      spec: { resourceAttributes },
    }
    const answer = await face.request('POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews', {
      body,
      token: reader.token,
    })
    return answer.json.status.allowed
  }
  t.same(
    [await review('get'), await review('create'), await review('get', 'exec'), await review('get', 'log')],
    [true, false, false, true],
  )
})

t.test('Postgres away: a miss is 503, reads and deletes go on, creates do not', async (t) => {
  const { upstream, face, physicalName, own } = await setUp(t)
  face.fakes.setAway(true)
  upstream.on(`GET /api/v1/namespaces/${physicalName}/pods/web`, { json: own('web') })
  upstream.on(`DELETE /api/v1/namespaces/${physicalName}/pods/web`, { json: { ...own('web'), kind: 'Pod' } })
  t.equal((await face.request('GET /api/v1/namespaces/shop/pods/web')).status, 200)
  t.equal((await face.request('DELETE /api/v1/namespaces/shop/pods/web')).status, 200)
  t.equal((await face.request('GET /api/v1/namespaces/new/pods/web')).status, 503)
  const pod = { metadata: { name: 'p' }, spec: { containers: [{ name: 'a', image: 'b' }] } }
  t.equal((await face.request('POST /api/v1/namespaces/shop/pods', { body: pod })).status, 503)
  t.equal((await face.request('POST /api/v1/namespaces', { body: { metadata: { name: 'n' } } })).status, 503)
})

t.test(
  'a data plane that resets, stalls half way or sends no list ends that request and nothing else',
  async (t) => {
    const { upstream, face, own } = await setUp(t)
    upstream.on('GET /api/v1/pods', (response) => response.destroy())
    t.equal((await face.request('GET /api/v1/pods')).status, 503)
    upstream.on('GET /api/v1/pods', (response) => response.end('<html>'))
    await t.rejects(face.request('GET /api/v1/pods'), 'cut, not a list that looks whole')
    upstream.on('GET /api/v1/pods', (response) => {
      response.write(
        `{"kind":"PodList","metadata":{"resourceVersion":"1"},"items":[${JSON.stringify(own('a'))},`,
      )
      setImmediate(() => response.destroy())
    })
    await t.rejects(face.request('GET /api/v1/pods'))
    upstream.on('GET /api/v1/pods', (response) => response.end('{"type":"ADDED","object":{"metadata":{'))
    const watch = await face.stream('/api/v1/pods?watch=true')
    await eventually('half an event ends the watch', () => watch.ended)
    t.same(watch.lines, [])
    upstream.on('GET /api/v1/pods', { json: { metadata: { resourceVersion: '1' }, items: null } })
    t.same((await face.request('GET /api/v1/pods')).json.items, [])
  },
)

t.test('a client that does not read holds its watch back, and nothing piles up here', async (t) => {
  const { upstream, face, token, own } = await setUp(t)
  let written = 0
  const line = Buffer.from(
    `${JSON.stringify({ type: 'ADDED', object: own('p', { spec: { containers: [{ name: 'a', image: 'x'.repeat(50_000) }] } }) })}\n`,
  )
  upstream.on('GET /api/v1/pods', (response) => {
    const more = () => {
      while (written < 150_000_000 && response.write(line)) written += line.length
    }
    response.on('drain', more)
    response.on('error', () => {})
    more()
  })
  const socket = connect(face.port, '127.0.0.1')
  socket.pause()
  socket.write(`GET /api/v1/pods?watch=true HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\n\r\n`)
  let before = -1
  let still = 0
  await eventually('the data plane waits', () => {
    still = written > 0 && written === before ? still + 1 : 0
    before = written
    return still > 10
  })
  t.ok(written < 40_000_000, `${written} bytes, kernel buffers on four sockets included`)
  socket.destroy()
})

t.test('quantities that no pod can have are 422 with their path', async (t) => {
  const { upstream, face } = await setUp(t)
  for (const cpu of ['1e400', '-5Gi', '0x10', '', 5e300, {}, 'NaN']) {
    const container = { name: 'a', image: 'b', resources: { limits: { cpu } } }
    const body = { metadata: { name: 'p' }, spec: { containers: [container] } }
    const answer = await face.request('POST /api/v1/namespaces/shop/pods', { body })
    t.equal(answer.status, 422, JSON.stringify(cpu))
    t.match(answer.json.details.causes[0].field, /^spec\.containers\[0\]\.resources/)
  }
  t.same(upstream.requests, [])
})

t.test('names in bodies that no object can have are 422, and nothing goes upstream', async (t) => {
  const { upstream, face } = await setUp(t)
  const odd = [
    '',
    '.',
    '..',
    '../x',
    '%2e%2e',
    'a'.repeat(254),
    'a\u0000',
    'A',
    'a_b',
    'a/b',
    'a\r\nb',
    '-a',
    ' ',
    5,
    {},
    [],
  ]
  for (const name of odd) {
    for (const path of [
      'namespaces/shop/pods',
      'namespaces/shop/secrets',
      'namespaces/shop/configmaps',
      'namespaces',
    ]) {
      const spec = { containers: [{ name: 'a', image: 'b' }] }
      const body = { metadata: { name }, ...(path.endsWith('pods') ? { spec } : {}) }
      const answer = await face.request(`POST /api/v1/${path}`, { body })
      t.equal(
        answer.status,
        422,
        `${path} ${JSON.stringify(name).slice(0, 40)}: ${answer.text.slice(0, 200)}`,
      )
      t.equal(answer.json.details.causes[0].field, 'metadata.name')
    }
    const other = await face.request('POST /api/v1/namespaces/shop/configmaps', {
      body: { metadata: { generateName: name, name: undefined } },
    })
    t.ok(
      [201, 404, 422].includes(other.status),
      `generateName ${JSON.stringify(name).slice(0, 40)}: ${other.status}`,
    )
  }
  for (const { body } of upstream.requests) t.match(JSON.parse(body).metadata.name, /^[a-z0-9][a-z0-9.-]*$/)
})

t.test('any JSON as a pod, a patch or a status is answered with a Status, never with 500', async (t) => {
  const { upstream, face, physicalName, own } = await setUp(t)
  upstream.on(`GET /api/v1/namespaces/${physicalName}/pods/web`, {
    json: { ...own('web'), kind: 'Pod', apiVersion: 'v1' },
  })
  const keys = fc.constantFrom(
    'metadata',
    'spec',
    'status',
    'containers',
    'volumes',
    'labels',
    'annotations',
    'name',
    'env',
    'conditions',
    'initContainers',
    'resources',
    'tolerations',
    'kind',
    '__proto__',
    'namespace',
    'ownerReferences',
  )
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { depthSize: 'small' },
      fc.jsonValue({ maxDepth: 1 }),
      fc.dictionary(keys, tie('tree')),
      fc.array(tie('tree'), { maxLength: 3 }),
    ),
  }))
  await fc.assert(
    fc.asyncProperty(tree, async (value) => {
      for (const [line, contentType] of [
        ['POST /api/v1/namespaces/shop/pods', 'application/json'],
        ['PATCH /api/v1/namespaces/shop/pods/web', 'application/merge-patch+json'],
        ['PATCH /api/v1/namespaces/shop/pods/web', 'application/strategic-merge-patch+json'],
        ['PATCH /api/v1/namespaces/shop/pods/web/status', 'application/merge-patch+json'],
        ['PATCH /api/v1/namespaces/shop/pods/web/resize', 'application/merge-patch+json'],
        ['PATCH /api/v1/namespaces/shop/pods/web?fieldManager=x', 'application/apply-patch+yaml'],
        ['DELETE /api/v1/namespaces/shop/pods/web', 'application/json'],
      ] as const) {
        const answer: Loose = await face.request(line, { body: JSON.stringify(value), contentType })
        if (answer.status === 500 || answer.json?.kind === undefined)
          throw new Error(`${line}: ${answer.text}`)
      }
    }),
    { numRuns: 60 },
  )
  t.pass('no 500')
})
