import { keepRoleBindings } from '../../../src/gateway/upstream/index.ts'
import { isKubeApiError } from '../../../src/kube/client/types.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import { silentLogger } from '../../../src/lib/logger.ts'
import { eventually } from '../../support/eventually.ts'
import { onSandbox } from '../../support/face-pods.ts'
import type { Loose, SandboxFace } from '../../support/kube-face.ts'
import t, { type Test } from '../../support/tap.ts'

const MERGE = 'application/merge-patch+json'
const STRATEGIC = 'application/strategic-merge-patch+json'
const JSON_PATCH = 'application/json-patch+json'
const APPLY = 'application/apply-patch+yaml'
const PATH = '/api/v1/namespaces/shop'

async function setUp(t: Test) {
  const { face } = await onSandbox(t)
  const physicalName = face.fakes.directory.namespace(face.nodeId, 'shop')?.physicalName ?? ''
  const path = ['api', 'v1', 'namespaces', physicalName]
  const upstream = () => face.client.json<Loose>({ method: 'GET', path })
  return { face, physicalName, path, upstream, send: sender(face) }
}

const sender = (face: SandboxFace) => (contentType: string, body: unknown, query: string) =>
  face.request(`PATCH ${PATH}${query}`, { contentType, body })

t.test('rule 8: labels and annotations of a namespace change, by update and every patch', async (t) => {
  const { face, upstream, send } = await setUp(t)
  const before = await upstream()
  t.equal((await send(MERGE, { metadata: { labels: { a: '1' } } }, '')).status, 200)
  t.equal((await send(STRATEGIC, { metadata: { annotations: { b: '2' } } }, '')).status, 200)
  const patched = await send(JSON_PATCH, [{ op: 'replace', path: '/metadata/labels/a', value: '9' }], '')
  t.equal(patched.status, 200, patched.text)
  const shown = (await face.request(`GET ${PATH}`)).json
  t.same(shown.metadata.labels, { a: '9', 'kubernetes.io/metadata.name': 'shop' })
  t.same(shown.metadata.annotations, { b: '2' })
  const replaced = await face.request(`PUT ${PATH}`, {
    body: { ...shown, metadata: { ...shown.metadata, labels: { c: '3' } } },
  })
  t.equal(replaced.status, 200, replaced.text)
  t.same(replaced.json.metadata.labels, { c: '3', 'kubernetes.io/metadata.name': 'shop' })
  const after = await upstream()
  t.equal(after.metadata.labels.c, '3', 'it is the physical namespace that has them')
  t.equal(after.metadata.labels.a, undefined)
  for (const key of [
    'isthmus.dev/tenant',
    'isthmus.dev/node',
    'isthmus.dev/namespace',
    'kubernetes.io/metadata.name',
  ]) {
    t.equal(after.metadata.labels[key], before.metadata.labels[key], key)
  }
  t.same(after.spec, before.spec)
  t.equal((await face.request(`PUT ${PATH}`, { body: shown })).status, 409, 'an old version')
  const dry = await send(MERGE, { metadata: { labels: { dry: 'run' } } }, '?dryRun=All')
  t.equal(dry.json.metadata.labels.dry, 'run')
  t.equal((await upstream()).metadata.labels.dry, undefined)
})

t.test('rule 8: what the data plane put on a namespace is hidden and survives every change', async (t) => {
  const { face, path, upstream, send } = await setUp(t)
  await face.client.json({
    method: 'PATCH',
    path,
    headers: { 'content-type': MERGE },
    body: {
      metadata: { labels: { 'kubernetes.azure.com/pool': 'x' }, annotations: { 'scc.example/range': '1' } },
    },
  })
  t.equal((await send(MERGE, { metadata: { labels: null, annotations: null } }, '')).status, 200)
  const applied = await send(
    APPLY,
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop', labels: { own: 'one' } } },
    '?fieldManager=me',
  )
  t.equal(applied.status, 200, applied.text)
  t.same(applied.json.metadata.labels, { own: 'one', 'kubernetes.io/metadata.name': 'shop' })
  t.equal(applied.json.metadata.annotations, undefined)
  const { labels, annotations } = (await upstream()).metadata
  t.match(labels, { 'kubernetes.azure.com/pool': 'x', own: 'one', 'isthmus.dev/namespace': 'shop' })
  t.equal(annotations['scc.example/range'], '1')
  t.same(face.leaks, [])
})

t.test('what may not be changed of a namespace is refused with its path, by every verb', async (t) => {
  const { face, upstream, send } = await setUp(t)
  const before = await upstream()
  for (const [field, part] of [
    ['status.phase', { status: { phase: 'Terminating' } }],
    ['spec.finalizers', { spec: { finalizers: [] } }],
    ['spec.finalizers', { spec: { finalizers: ['kubernetes', 'example.com/mine'] } }],
    ['metadata.finalizers', { metadata: { finalizers: ['example.com/mine'] } }],
    ['metadata.labels[isthmus.dev/node]', { metadata: { labels: { 'isthmus.dev/node': 'other' } } }],
    ['metadata.annotations[isthmus.dev/asked]', { metadata: { annotations: { 'isthmus.dev/asked': '{}' } } }],
    [
      'metadata.labels[pod-security.kubernetes.io/enforce]',
      { metadata: { labels: { 'pod-security.kubernetes.io/enforce': 'privileged' } } },
    ],
    [
      'metadata.labels[kubernetes.io/metadata.name]',
      { metadata: { labels: { 'kubernetes.io/metadata.name': 'other' } } },
    ],
  ] as [string, Loose][]) {
    const whole = {
      apiVersion: 'v1',
      kind: 'Namespace',
      ...part,
      metadata: { name: 'shop', ...part.metadata },
    }
    for (const [verb, answer] of [
      ['merge', await send(MERGE, part, '')],
      ['update', await face.request(`PUT ${PATH}`, { body: whole })],
      ['apply', await send(APPLY, whole, '?fieldManager=me')],
    ] as const) {
      t.equal(answer.status, 422, `${verb} ${field}: ${answer.text}`)
      t.ok(
        answer.json.details.causes.some((one: Loose) => one.field === field),
        `${verb} says ${field}`,
      )
    }
  }
  t.equal((await send(MERGE, { metadata: { name: 'other' } }, '')).status, 400)
  t.equal((await send(MERGE, { metadata: { uid: 'other' } }, '')).status, 409)
  t.same(await upstream(), before, 'nothing was written')
})

t.test('an apply of a namespace that is not there makes one that can be used at once', async (t) => {
  const { face } = await setUp(t)
  const config = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'new', labels: { a: '1' } } }
  const apply = (body: object) =>
    face.request('PATCH /api/v1/namespaces/new?fieldManager=me', { contentType: APPLY, body })
  const dry = await face.request('PATCH /api/v1/namespaces/new?fieldManager=me&dryRun=All', {
    contentType: APPLY,
    body: config,
  })
  t.equal(dry.status, 201)
  t.equal((await face.request('GET /api/v1/namespaces/new')).status, 404)
  const made = await apply(config)
  t.equal(made.status, 201, made.text)
  t.match(made.json.metadata, { name: 'new', labels: { a: '1' } })
  const secret = { body: { metadata: { name: 's' }, data: {} } }
  t.equal((await face.request('POST /api/v1/namespaces/new/secrets', secret)).status, 201)
  const again = await apply({ ...config, metadata: { name: 'new', labels: { a: '2' } } })
  t.equal(again.status, 200, again.text)
  t.equal(again.json.metadata.labels.a, '2')
})

t.test('another node’s namespace can not be changed, in the bytes of one that is not there', async (t) => {
  const { face } = await setUp(t)
  const other = face.fakes.addNode({ tenantName: 'other' })
  const body = { metadata: { labels: { a: '1' } } }
  const theirs = await face.request(`PATCH ${PATH}`, { contentType: MERGE, body, token: other.token })
  const missing = await face.request('PATCH /api/v1/namespaces/nope', {
    contentType: MERGE,
    body,
    token: other.token,
  })
  t.equal(theirs.status, 404)
  t.equal(theirs.text.replaceAll('shop', 'nope'), missing.text)
})

t.test(
  'rule 9: a RoleBinding that somebody deletes in the data plane is back without a request',
  async (t) => {
    const { face, physicalName } = await setUp(t)
    const bindings = ['apis', 'rbac.authorization.k8s.io', 'v1', 'namespaces', physicalName, 'rolebindings']
    const path = [...bindings, 'isthmus-tenant-namespace']
    const find = () =>
      face.client.json<Loose>({ method: 'GET', path }).catch((error) => {
        if (isKubeApiError(error, 404)) return undefined
        throw error
      })
    t.ok(await find(), 'made with the namespace')
    const keepers = [1, 2].map(() =>
      keepRoleBindings({
        clusters: () => ['c1'],
        namespaces: () => [physicalName],
        client: () => face.client,
        everyMs: 50,
        clock: systemClock,
        logger: silentLogger,
      }),
    )
    t.teardown(() => Promise.all(keepers.map((keeper) => keeper.close())))
    await face.client.json({ method: 'DELETE', path })
    const back = await eventually('it is back', find)
    t.equal(back.roleRef.name, 'isthmus-tenant-namespace')
    t.same(
      back.subjects.map((one: Loose) => one.kind),
      ['ServiceAccount', 'User'],
    )
  },
)
