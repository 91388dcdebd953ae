import { onSandbox, onStub, pod } from '../../support/face-pods.ts'
import type { Loose } from '../../support/kube-face.ts'
import t from '../../support/tap.ts'

const MERGE = 'application/merge-patch+json'
const STRATEGIC = 'application/strategic-merge-patch+json'
const JSON_PATCH = 'application/json-patch+json'
const APPLY = 'application/apply-patch+yaml'

t.test('rule 14: patches of three types are applied to the tenant’s view', async (t) => {
  const { face, upstreamPod, path } = await onSandbox(t)
  await face.request(`POST ${path}`, { body: pod('web', { labels: { a: '1' } }) })
  const patch = (contentType: string, body: unknown) =>
    face.request(`PATCH ${path}/web`, { contentType, body })
  t.equal((await patch(MERGE, { metadata: { labels: { b: '2' } } })).status, 200)
  t.equal((await patch(STRATEGIC, { metadata: { annotations: { c: '3' } } })).status, 200)
  const last = await patch(JSON_PATCH, [
    { op: 'test', path: '/metadata/namespace', value: 'shop' },
    { op: 'replace', path: '/metadata/labels/a', value: '9' },
  ])
  t.equal(last.status, 200, last.text)
  t.same(last.json.metadata.labels, { a: '9', b: '2' })
  t.same(last.json.metadata.annotations, { c: '3' })
  const cleared = await patch(MERGE, { metadata: { labels: null } })
  t.equal(cleared.json.metadata.labels, undefined)
  t.equal((await upstreamPod('web')).metadata.labels['isthmus.dev/node'], face.nodeId, 'ours stay')
  const pinned = await patch(MERGE, { metadata: { resourceVersion: '1', labels: { x: 'y' } } })
  t.equal(pinned.status, 409)
  t.equal((await patch(MERGE, { metadata: { uid: 'other' } })).status, 409)
  t.equal((await patch(MERGE, { metadata: { name: 'other' } })).status, 400)
  t.equal((await patch(MERGE, { metadata: { namespace: 'other' } })).status, 400)
  t.equal((await patch(MERGE, { spec: { containers: null } })).status, 422)
  t.equal((await patch('application/xml', {})).status, 415)
  t.equal((await patch(JSON_PATCH, [{ op: 'add', path: '/nope/x', value: 1 }])).status, 422)
})

t.test('rule 14: an apply is dry-run, judged, and written with uid and resourceVersion pinned', async (t) => {
  const { upstream, face, there, base, writes, path } = await onStub(t)
  upstream.on(`PATCH ${base}/web`, (response, request) => {
    const sent = JSON.parse(request.body)
    const result = structuredClone(there)
    Object.assign(result.metadata.labels, sent.metadata.labels)
    Object.assign(result.metadata.annotations, sent.metadata.annotations)
    if (sent.spec?.hostNetwork) result.spec.hostNetwork = true
    response.end(JSON.stringify(result))
  })
  const apply = (config: object, query = 'fieldManager=me') =>
    face.request(`PATCH ${path}?${query}`, {
      contentType: APPLY,
      body: { apiVersion: 'v1', kind: 'Pod', ...config },
    })
  const done = await apply({ metadata: { name: 'web', labels: { team: 'a' } } })
  t.equal(done.status, 200, done.text)
  t.same(done.json.metadata.labels, { app: 'web', team: 'a' })
  const [dry, real] = writes()
  t.match(dry?.url ?? '', 'dryRun=All')
  t.notMatch(real?.url ?? '', 'dryRun')
  const sent = JSON.parse(real?.body ?? '{}')
  t.equal(sent.metadata.uid, 'u1')
  t.equal(sent.metadata.resourceVersion, '5')
  t.match(sent.metadata.annotations['isthmus.dev/asked'], 'team')
  const before = writes().length
  const refused = await apply({ metadata: { name: 'web' }, spec: { hostNetwork: true } })
  t.equal(refused.status, 422, refused.text)
  t.equal(writes().length, before + 1, 'the dry run was all')
  t.equal((await apply({ metadata: { name: 'web' } }, '')).status, 400, 'a field manager is needed')
  upstream.on(`PATCH ${base}/web`, {
    status: 409,
    json: {
      kind: 'Status',
      code: 409,
      reason: 'Conflict',
      message: 'Apply failed',
      details: {
        causes: [
          { reason: 'FieldManagerConflict', field: '.metadata.labels.a', message: 'conflict with "x"' },
        ],
      },
    },
  })
  const conflict = await apply({ metadata: { name: 'web', labels: { a: '1' } } })
  t.equal(conflict.status, 409)
  t.match(conflict.json.message, 'Apply failed with 1 conflict')
})

t.test('rule 14: an apply that creates stays one, after policy and quota', async (t) => {
  const { upstream, face, base, path } = await onStub(t)
  upstream.on(`GET ${base}/new`, { status: 404, json: { kind: 'Status', code: 404, reason: 'NotFound' } })
  upstream.on(`PATCH ${base}/new`, (response, request) => {
    response.writeHead(201).end(JSON.stringify({ ...JSON.parse(request.body), kind: 'Pod' }))
  })
  face.fakes.hard.set('pods', 1000n)
  const apply = (name: string) =>
    face.request(`PATCH ${path.replace('web', name)}?fieldManager=me`, {
      contentType: APPLY,
      body: { apiVersion: 'v1', kind: 'Pod', ...pod(name) },
    })
  t.equal((await apply('new')).status, 201)
  t.equal(upstream.requests.at(-1)?.headers['content-type'], APPLY)
  upstream.on(`GET ${base}/more`, { status: 404, json: { kind: 'Status', code: 404, reason: 'NotFound' } })
  const over = await apply('more')
  t.equal(over.status, 403, 'apply over quota')
  t.match(over.json.message, 'exceeded quota')
})

t.test(
  'rule 15: what the data plane added is hidden, kept on every write, and missing for logs and exec',
  async (t) => {
    const { upstream, face, there, writes, path } = await onStub(t)
    const shown = await face.request(`GET ${path}`)
    t.same(
      shown.json.spec.containers.map((one: Loose) => one.name),
      ['main'],
    )
    t.same(
      shown.json.spec.containers[0].volumeMounts.map((one: Loose) => one.name),
      ['data'],
    )
    t.same(
      shown.json.spec.volumes.map((one: Loose) => one.name),
      ['data'],
    )
    t.same(
      shown.json.status.containerStatuses.map((one: Loose) => one.name),
      ['main'],
    )
    t.same(shown.json.metadata.labels, { app: 'web' })
    t.equal(shown.json.metadata.annotations, undefined)
    t.equal(shown.json.spec.nodeName, 'virtual')
    t.equal(shown.json.spec.priority, undefined)
    t.same(shown.json.spec.tolerations, [])
    const put = await face.request(`PUT ${path}`, {
      body: { ...shown.json, metadata: { ...shown.json.metadata, labels: { app: 'v2' } } },
    })
    t.equal(put.status, 200, put.text)
    const sent = JSON.parse(writes().at(-1)?.body ?? '{}')
    t.same(sent.spec, there.spec, 'nothing of the spec changed for the data plane')
    t.equal(sent.metadata.labels.mesh, 'on')
    t.equal(sent.metadata.labels.app, 'v2')
    t.equal(sent.metadata.annotations['cni.example/ips'], '10.1.2.3')
    t.equal(sent.metadata.managedFields, undefined)
    const changed = await face.request(`PUT ${path}`, {
      body: { ...shown.json, spec: { ...shown.json.spec, hostPID: true } },
    })
    t.equal(changed.status, 422)
    t.equal(changed.json.details.causes[0].field, 'spec.hostPID')
    const log = await face.request(`GET ${path}/log?container=sidecar`)
    t.equal(log.status, 400)
    t.match(log.json.message, 'container sidecar is not valid for pod web')
    t.notOk(upstream.requests.some((request) => request.url.includes('/log')))
    const debug = await face.request(`PATCH ${path}/ephemeralcontainers`, {
      contentType: STRATEGIC,
      body: { spec: { ephemeralContainers: [{ name: 'd', image: 'x', targetContainerName: 'sidecar' }] } },
    })
    t.equal(debug.status, 422)
  },
)

t.test(
  'rule 16: a tenant sets conditions of its readiness gates, and nothing else of a status',
  async (t) => {
    const { face, path } = await onSandbox(t)
    const gates = { readinessGates: [{ conditionType: 'example.com/up' }] }
    t.equal((await face.request(`POST ${path}`, { body: pod('web', {}, gates) })).status, 201)
    const held = [...face.fakes.ledger.values()].map((one) => one.state)
    const status = (body: object, contentType = MERGE) =>
      face.request(`PATCH ${path}/web/status`, { contentType, body })
    for (const body of [
      { status: { phase: 'Succeeded' } },
      { status: { containerStatuses: null } },
      { status: { conditions: [{ type: 'Ready', status: 'True' }] } },
    ]) {
      const refused = await status(body, STRATEGIC)
      t.equal(refused.status, 422, refused.text)
    }
    t.same(
      [...face.fakes.ledger.values()].map((one) => one.state),
      held,
      'usage unchanged',
    )
    const set = await status(
      { status: { conditions: [{ type: 'example.com/up', status: 'True', message: 'mine' }] } },
      STRATEGIC,
    )
    t.equal(set.status, 200, set.text)
    t.match(set.json.status.conditions, [{ type: 'example.com/up', status: 'True', message: 'mine' }])
  },
)

t.test('rule 17: owner references stay with the tenant, finalizers are refused', async (t) => {
  const { face, upstreamPod, path } = await onSandbox(t)
  const ownerReferences = [
    { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'r', uid: 'foreign', controller: true },
  ]
  const made = await face.request(`POST ${path}`, { body: pod('web', { ownerReferences }) })
  t.same(made.json.metadata.ownerReferences, ownerReferences)
  t.equal((await upstreamPod('web')).metadata.ownerReferences, undefined)
  t.same((await face.request(`GET ${path}/web`)).json.metadata.ownerReferences, ownerReferences)
  const contentType = MERGE
  await face.request(`PATCH ${path}/web`, { contentType, body: { metadata: { labels: { changed: 'yes' } } } })
  t.equal((await upstreamPod('web')).metadata.ownerReferences, undefined, 'not with a change either')
  const refused = await face.request(`POST ${path}`, { body: pod('fin', { finalizers: ['example.com/x'] }) })
  t.equal(refused.status, 422)
  t.equal(refused.json.details.causes[0].field, 'metadata.finalizers')
})
