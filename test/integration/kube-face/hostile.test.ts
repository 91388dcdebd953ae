import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { IsthmusError } from '../../../src/protocol/errors/index.ts'
import { eventually } from '../../support/eventually.ts'
import { drawPhysicalName } from '../../support/gateway-fakes.ts'
import { type Loose, startFace, type TestFace } from '../../support/kube-face.ts'
import { startRecordingUpstream } from '../../support/recording-upstream.ts'
import t, { type Test } from '../../support/tap.ts'

const STRATEGIC = 'application/strategic-merge-patch+json'
const APPLY = 'application/apply-patch+yaml'

/** A data plane with one pod, into which its admission has put a container and a volume. It takes whatever is written. */
async function setUp(t: Test) {
  const upstream = await startRecordingUpstream(t)
  const face = await startFace(t, { client: upstream.client })
  const { principal, token } = face.fakes.addNode()
  const { physicalName } = face.fakes.addNamespace(principal.nodeId, 'shop')
  const base = `/api/v1/namespaces/${physicalName}/pods`
  const path = '/api/v1/namespaces/shop/pods'
  const asked = { containers: ['main'], volumes: ['data'] }
  const there: Loose = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: 'web',
      namespace: physicalName,
      uid: 'u1',
      resourceVersion: '5',
      labels: { 'isthmus.dev/node': principal.nodeId, 'isthmus.dev/reservation': 'r1' },
      annotations: { 'isthmus.dev/asked': JSON.stringify(asked), 'isthmus.dev/namespace': 'shop' },
    },
    spec: {
      containers: [
        { name: 'mesh', image: 'mesh', resources: { requests: { cpu: '1' } } },
        { name: 'main', image: 'a', resources: { requests: { cpu: '1' } } },
      ],
      volumes: [{ name: 'mesh-token' }, { name: 'data', emptyDir: {} }],
    },
  }
  const echo = (response: Loose, request: Loose) =>
    response.writeHead(200, { 'content-type': 'application/json' }).end(request.body)
  upstream.on(`GET ${base}/web`, { json: there })
  upstream.on(`PUT ${base}/web`, echo)
  upstream.on(`POST ${base}`, echo)
  // As server-side apply merges: lists by name, but tolerations as a whole.
  upstream.on(`PATCH ${base}/web`, (response, request) => {
    const { spec = {} } = JSON.parse(request.body)
    const { containers = [], ...rest } = spec
    const result = structuredClone(there)
    for (const one of containers)
      Object.assign(result.spec.containers.find((each: Loose) => each.name === one.name) ?? {}, one)
    Object.assign(result.spec, rest)
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(result))
  })
  /** Writes that took effect. */
  const writes = () =>
    upstream.requests.filter(({ method, url }) => method !== 'GET' && !url.includes('dryRun=All'))
  return { upstream, face: { ...face, token }, there, base, path, writes }
}

t.test('rule 15: an apply reaches neither hidden containers nor the placement', async (t) => {
  const { face, path, writes } = await setUp(t)
  const apply = (spec: object) =>
    face.request(`PATCH ${path}/web?fieldManager=me&force=true`, {
      contentType: APPLY,
      body: { apiVersion: 'v1', kind: 'Pod', spec },
    })
  for (const spec of [
    { containers: [{ name: 'mesh', image: 'evil' }] },
    { volumes: [{ name: 'mesh-token', emptyDir: {} }] },
    { tolerations: [{ operator: 'Exists' }] },
    { nodeSelector: { 'kubernetes.io/hostname': 'machine-7' } },
    { affinity: { nodeAffinity: {} } },
    { priorityClassName: 'system-node-critical' },
  ]) {
    const answer = await apply(spec)
    t.equal(answer.status, 422, `${JSON.stringify(spec)}: ${answer.text}`)
  }
  t.same(writes(), [])
  t.equal((await apply({ containers: [{ name: 'main', image: 'b' }] })).status, 200, 'its own it may')
})

t.test('rule 15: hidden volumes can not be mounted, by a new pod or a debug container', async (t) => {
  const { face, path, writes } = await setUp(t)
  const mount = (name: string) => ({ name: 'x', image: 'i', volumeMounts: [{ name, mountPath: '/m' }] })
  const debug = (name: string) =>
    face.request(`PATCH ${path}/web/ephemeralcontainers`, {
      contentType: STRATEGIC,
      body: { spec: { ephemeralContainers: [mount(name)] } },
    })
  t.equal((await debug('mesh-token')).status, 422)
  for (const field of ['containers', 'initContainers']) {
    const body = {
      metadata: { name: 'n' },
      spec: { containers: [{ name: 'c', image: 'i' }], [field]: [mount('mesh-token')] },
    }
    const made = await face.request(`POST ${path}`, { body })
    t.equal(made.status, 422, made.text)
  }
  t.same(writes(), [])
  t.equal((await debug('data')).status, 200, 'its own it may')
})

const charge = (face: TestFace) =>
  face.fakes.quota.reserve({
    id: 'r1',
    tenantId: '',
    nodeId: '',
    clusterId: '',
    namespace: '',
    physicalNamespace: drawPhysicalName(),
    name: '',
    amounts: new Map([['requests.cpu', 2000n]]),
  })

t.test('rule 15: a resize does not reach hidden containers', async (t) => {
  const { face, path, writes } = await setUp(t)
  await charge(face)
  const spec = { containers: [{ name: 'mesh', image: 'mesh', resources: { requests: { cpu: '1m' } } }] }
  await face.request(`PATCH ${path}/web/resize`, { contentType: STRATEGIC, body: { spec } })
  t.equal(writes().length, 1)
  for (const { body } of writes()) t.equal(JSON.parse(body).spec.containers[0].resources.requests.cpu, '1')
})

t.test('F6: a pod that no reservation is charged for is not resized', async (t) => {
  const { face, there, path, writes } = await setUp(t)
  delete there.metadata.labels['isthmus.dev/reservation']
  const spec = { containers: [{ name: 'main', resources: { requests: { cpu: '9' } } }] }
  const answer = await face.request(`PATCH ${path}/web/resize`, { contentType: STRATEGIC, body: { spec } })
  t.equal(answer.status, 403)
  t.same(writes(), [])
})

t.test(
  'rule 37: a pod with grace 0 is made with 1, so that no delete lets it vanish while it runs',
  async (t) => {
    const { face, path, writes } = await setUp(t)
    const containers = [{ name: 'c', image: 'i' }]
    const body = { metadata: { name: 'n' }, spec: { containers, terminationGracePeriodSeconds: 0 } }
    t.equal((await face.request(`POST ${path}`, { body })).status, 201)
    t.equal(JSON.parse(writes()[0]?.body ?? '').spec.terminationGracePeriodSeconds, 1)
  },
)

t.test('F6: of two resizes at once, the refused one does not take the quota of the other', async (t) => {
  const { upstream, face, base, path } = await setUp(t)
  await charge(face)
  const held = () => face.fakes.ledger.get('r1')?.amounts.get('requests.cpu')
  const resize = (cpu: string) => {
    const spec = { containers: [{ name: 'main', resources: { requests: { cpu } } }] }
    return face.request(`PATCH ${path}/web/resize`, { contentType: STRATEGIC, body: { spec } })
  }
  const refusal = { kind: 'Status', code: 422, reason: 'Invalid', message: 'no' }
  let other: Loose
  upstream.on(`PUT ${base}/web/resize`, async (response, request) => {
    if (JSON.parse(request.body).spec.containers[1].resources.requests.cpu === '9') {
      response.end(request.body)
      return
    }
    // While this one is under way another takes place; then it is refused.
    other = await resize('9')
    response.writeHead(422, { 'content-type': 'application/json' }).end(JSON.stringify(refusal))
  })
  t.equal((await resize('3')).status, 422)
  t.equal(other.status, 200)
  t.equal(held(), 10_000n, 'what the data plane holds is charged')
  upstream.on(`PUT ${base}/web/resize`, { status: 422, json: refusal })
  t.equal((await resize('12')).status, 422)
  t.equal(held(), 10_000n, 'a refused one alone is given back')
  upstream.on(`PUT ${base}/web/resize`, { status: 500, json: { kind: 'Status', code: 500 } })
  t.equal((await resize('12')).status, 502)
  t.equal(held(), 13_000n, 'it may have taken place')
})

t.test('C9: a credential that is revoked while its request’s body is sent changes nothing', async (t) => {
  const { upstream, face, path } = await setUp(t)
  const { tokens } = face.fakes
  let verified = 0
  const verify = tokens.verify
  tokens.verify = async (token) => {
    verified++
    return verify(token)
  }
  const body = JSON.stringify({ metadata: { name: 'n' }, spec: { containers: [{ name: 'c', image: 'i' }] } })
  const socket = connect(face.port, '127.0.0.1')
  t.teardown(() => socket.destroy())
  socket.write(
    `POST ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${face.token}\r\nContent-Type: application/json\r\n` +
      `Connection: close\r\nContent-Length: ${body.length}\r\n\r\n${body.slice(0, 9)}`,
  )
  await eventually('the head is read', () => verified === 1)
  tokens.verify = async () => {
    throw new IsthmusError('unauthenticated', 'Unauthorized')
  }
  socket.write(body.slice(9))
  t.match(await text(socket), /^HTTP\/1.1 401 /)
  t.same(upstream.requests, [])
})

t.test('F2: a proxy’s 502 or 503 leaves open whether the pod was made: its quota stays', async (t) => {
  const { upstream, face, base, path } = await setUp(t)
  for (const status of [502, 503]) {
    upstream.on(`POST ${base}`, { status, json: 'a page' })
    const body = { metadata: { name: `n-${status}` }, spec: { containers: [{ name: 'c', image: 'i' }] } }
    t.ok((await face.request(`POST ${path}`, { body })).status >= 502)
    const one = [...face.fakes.ledger.values()].find(({ request }) => request.name === `n-${status}`)
    t.equal(one?.state, 'reserved')
  }
})
