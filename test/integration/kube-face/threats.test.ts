import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import type { Principal } from '../../../src/gateway/tokens/principal.ts'
import { eventually } from '../../support/eventually.ts'
import { startFace, type TestFace } from '../../support/kube-face.ts'
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

/** Sends a request line as it is, and returns the answer. */
async function raw(face: TestFace, line: string, headers: string[]): Promise<string> {
  const socket = connect(face.port, '127.0.0.1')
  socket.write(
    `${line}\r\nHost: x\r\nConnection: close\r\n${headers.map((one) => `${one}\r\n`).join('')}\r\n`,
  )
  return text(socket)
}

t.test('A3, A4, A5: upstream headers are a golden set, whatever the client sends', async (t) => {
  const { upstream, face, token, physicalName, own } = await setUp(t)
  upstream.on(`GET /api/v1/namespaces/${physicalName}/pods/web`, { json: own('web') })
  const golden = ['accept', 'accept-encoding', 'authorization', 'connection', 'host', 'user-agent']
  for (const hostile of [
    'Connection: authorization, impersonate-user, x-tenant-id',
    'Connection:\tAuthorization',
    'Impersonate-User: system:admin',
    'Impersonate-Group: system:masters',
    'Impersonate-Extra-a%2fb: c',
    'Impersonate_User: system:admin',
    'X-Remote-User: admin',
    'X-Remote-Group: system:masters',
    'X_Tenant_Id: other',
    'X-Forwarded-For: 127.0.0.1',
    'Cookie: a=b',
    'Authorization: Bearer forged',
    'Traceparent: 00-0-0-0',
  ]) {
    const authorization = hostile.startsWith('Authorization') ? [] : [`Authorization: Bearer ${token}`]
    await raw(face, 'GET /api/v1/namespaces/shop/pods/web HTTP/1.1', [
      ...authorization,
      'User-Agent: u',
      hostile,
    ])
  }
  t.equal(upstream.requests.length, 12, 'the forged token reached nothing')
  for (const { headers } of upstream.requests) {
    t.same(Object.keys(headers).sort(), golden)
    t.equal(headers.authorization, 'Bearer data-plane-credential')
    t.equal(headers['user-agent'], 'u')
  }
})

t.test('A6: a principal with a part missing is nobody, and nothing goes upstream', async (t) => {
  const { upstream, face } = await setUp(t)
  for (const part of ['tenantId', 'nodeId', 'nodeName', 'clusterId', 'credentialId'] as const) {
    for (const value of ['', ' ', null, undefined, [], 0] as unknown[]) {
      const { token } = face.fakes.addNode({ [part]: value } as Partial<Principal>)
      const answer = await face.request('GET /api/v1/pods', { token })
      t.equal(answer.status, 401, `${part} ${JSON.stringify(value)}`)
    }
  }
  for (const authorization of ['', 'Bearer ', 'Bearer a b', 'Basic YTpi', 'bearer', 'Bearer \u00fc']) {
    t.equal(
      (await face.request('GET /api/v1/pods', { headers: { authorization } })).status,
      401,
      authorization,
    )
  }
  t.same(upstream.requests, [])
})

t.test('A2, A14, B1, B2: odd names end as 404 or 400 and never reach an upstream path', async (t) => {
  const { upstream, face, token } = await setUp(t)
  const names = [
    '.',
    '..',
    '../x',
    '%2e%2e',
    '%2E',
    '%2e%2e%2fsecrets',
    '%252e%252e',
    '%00',
    'a%00',
    '%20',
    'a%2fb',
    'a%5cb',
    '..;',
    'A',
    'a_b',
    'x%0d%0ay',
    '-a',
    'a'.repeat(254),
    '%ff',
    'exec%3fcommand=id',
    '%E2%80%A8',
  ]
  for (const name of names) {
    for (const line of [
      `GET /api/v1/namespaces/shop/pods/${name}`,
      `DELETE /api/v1/namespaces/shop/pods/${name}`,
      `GET /api/v1/namespaces/shop/pods/${name}/log`,
      `GET /api/v1/namespaces/${name}/pods/web`,
      `GET /api/v1/namespaces/${name}`,
      `DELETE /api/v1/namespaces/${name}`,
      `PATCH /api/v1/namespaces/shop/configmaps/${name}`,
    ]) {
      const answer = await raw(face, `${line} HTTP/1.1`, [`Authorization: Bearer ${token}`])
      t.match(answer, /^HTTP\/1.1 40[045] /, line)
    }
    const upgrade = [
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    ]
    const line = `GET /api/v1/namespaces/shop/pods/${name}/exec?command=id&stdout=1 HTTP/1.1`
    const socket = connect(face.port, '127.0.0.1')
    socket.write(
      `${line}\r\nHost: x\r\nConnection: Upgrade\r\nAuthorization: Bearer ${token}\r\n${upgrade.join('\r\n')}\r\n\r\n`,
    )
    t.match(await text(socket), /^HTTP\/1.1 40[04] /, line)
  }
  for (const line of [
    'GET /api/v1/namespaces/shop/pods/',
    'DELETE /api/v1/namespaces/shop/pods/',
    'GET //api/v1/pods',
    'GET /api/v1/namespaces//pods',
  ]) {
    t.match(
      await raw(face, `${line} HTTP/1.1`, [`Authorization: Bearer ${token}`]),
      /^HTTP\/1.1 40[045] /,
      line,
    )
  }
  t.same(
    upstream.requests.filter((one) => !one.url.startsWith('/api/v1/pods?labelSelector')),
    [],
  )
})

t.test('A2: a redirect of the data plane is not followed', async (t) => {
  const { upstream, face } = await setUp(t)
  const second = await startRecordingUpstream(t)
  for (const status of [301, 302, 307, 308]) {
    upstream.on('GET /api/v1/', (response) =>
      response.writeHead(status, { location: 'http://127.0.0.1:1/' }).end(),
    )
    for (const path of ['/api/v1/pods', '/api/v1/pods?watch=true', '/api/v1/namespaces/shop/pods/web']) {
      t.equal((await face.request(`GET ${path}`)).status, 503, path)
    }
  }
  t.same(second.requests, [])
})

t.test('A7: two tenants’ requests at once never share anything', async (t) => {
  const { upstream, face, own, physicalName } = await setUp(t)
  const other = face.fakes.addNode({ tenantName: 'other' })
  const theirs = face.fakes.addNamespace(other.principal.nodeId, 'shop')
  const waiting: (() => void)[] = []
  upstream.on(`GET /api/v1/namespaces/${physicalName}/pods/web`, (response) => {
    waiting.push(() => response.end(JSON.stringify(own('web'))))
  })
  upstream.on(`GET /api/v1/namespaces/${theirs.physicalName}/pods/web`, {
    json: {
      ...own('web'),
      metadata: {
        name: 'web',
        uid: 'theirs',
        namespace: theirs.physicalName,
        labels: { 'isthmus.dev/node': other.principal.nodeId },
      },
    },
  })
  const mine = face.request('GET /api/v1/namespaces/shop/pods/web')
  await eventually('the first waits', () => waiting.length === 1)
  const second = await face.request('GET /api/v1/namespaces/shop/pods/web', { token: other.token })
  waiting[0]?.()
  t.equal(second.json.metadata.uid, 'theirs')
  t.equal((await mine).json.metadata.uid, 'uid-web')
})

t.test('B5: what says whose an object is can not be set, changed or taken away by a tenant', async (t) => {
  const { upstream, face, physicalName, principal, own } = await setUp(t)
  const base = `/api/v1/namespaces/${physicalName}/configmaps`
  upstream.on(`POST ${base}`, (response, request) => response.writeHead(201).end(request.body))
  upstream.on(`GET ${base}/c`, { json: own('c') })
  upstream.on(`PUT ${base}/c`, (response, request) => response.end(request.body))
  const path = '/api/v1/namespaces/shop/configmaps'
  for (const key of ['isthmus.dev/node', 'isthmus.dev/tenant', 'isthmus.dev/asked', 'isthmus.dev/made-up']) {
    for (const field of ['labels', 'annotations']) {
      const metadata = { name: 'c', [field]: { [key]: 'x' } }
      t.equal(
        (await face.request(`POST ${path}`, { body: { metadata } })).status,
        422,
        `create ${field} ${key}`,
      )
      const generated = { generateName: 'c-', [field]: { [key]: 'x' } }
      t.equal((await face.request(`POST ${path}`, { body: { metadata: generated } })).status, 422)
      for (const contentType of ['application/merge-patch+json', 'application/strategic-merge-patch+json']) {
        const patched = await face.request(`PATCH ${path}/c`, {
          contentType,
          body: { metadata: { [field]: { [key]: 'x' } } },
        })
        t.equal(patched.status, 422, `${contentType} ${field} ${key}`)
      }
    }
  }
  const cleared = await face.request(`PATCH ${path}/c`, {
    contentType: 'application/merge-patch+json',
    body: { metadata: { labels: null, annotations: null } },
  })
  t.equal(cleared.status, 200, cleared.text)
  const sent = JSON.parse(upstream.requests.at(-1)?.body ?? '{}')
  t.equal(sent.metadata.labels['isthmus.dev/node'], principal.nodeId)
})

t.test('B8: an object in the tenant’s namespace without the node’s label is not the tenant’s', async (t) => {
  const { upstream, face, physicalName } = await setUp(t)
  for (const labels of [undefined, {}, { 'isthmus.dev/node': 'another' }]) {
    upstream.on('GET /api/v1/namespaces/', {
      json: { metadata: { name: 'x', namespace: physicalName, labels }, data: { a: 'operator' } },
    })
    for (const resource of ['pods', 'configmaps', 'secrets']) {
      t.equal((await face.request(`GET /api/v1/namespaces/shop/${resource}/x`)).status, 404)
      t.equal((await face.request(`DELETE /api/v1/namespaces/shop/${resource}/x`)).status, 404)
    }
  }
  t.notOk(upstream.requests.some((one) => one.method === 'DELETE'))
})
