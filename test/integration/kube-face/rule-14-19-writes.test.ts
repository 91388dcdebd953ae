import { eventually } from '../../support/eventually.ts'
import { drawPhysicalName } from '../../support/gateway-fakes.ts'
import { type Loose, startFace, startSandboxFace } from '../../support/kube-face.ts'
import { startRecordingUpstream } from '../../support/recording-upstream.ts'
import t, { type Test } from '../../support/tap.ts'

const MERGE = 'application/merge-patch+json'
const STRATEGIC = 'application/strategic-merge-patch+json'
const JSON_PATCH = 'application/json-patch+json'
const APPLY = 'application/apply-patch+yaml'

const pod = (name: string, metadata: object = {}, spec: object = {}) => ({
  metadata: { name, ...metadata },
  spec: {
    containers: [
      { name: 'main', image: 'busybox', command: ['sh', '-c', 'trap "exit 0" TERM; sleep 60 & wait'] },
    ],
    ...spec,
  },
})

async function onSandbox(t: Test) {
  const face = await startSandboxFace(t)
  const made = await face.request('POST /api/v1/namespaces', { body: { metadata: { name: 'shop' } } })
  t.equal(made.status, 201, made.text)
  const physical = () => face.fakes.directory.namespace(face.nodeId, 'shop')?.physicalName ?? ''
  const upstreamPod = (name: string) =>
    face.client.json<Loose>({ method: 'GET', path: ['api', 'v1', 'namespaces', physical(), 'pods', name] })
  return { face, upstreamPod, path: '/api/v1/namespaces/shop/pods' }
}

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

/** A stub that answers like an API server with one pod; what it is asked is recorded. */
async function onStub(t: Test) {
  const upstream = await startRecordingUpstream(t)
  const face = await startFace(t, { client: upstream.client })
  const { principal } = face.fakes.addNode()
  const { physicalName } = face.fakes.addNamespace(principal.nodeId, 'shop')
  const there: Loose = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: 'web',
      namespace: physicalName,
      uid: 'u1',
      resourceVersion: '5',
      labels: {
        'isthmus.dev/node': principal.nodeId,
        'isthmus.dev/tenant': principal.tenantId,
        app: 'web',
        mesh: 'on',
      },
      annotations: {
        'isthmus.dev/asked': JSON.stringify({ labels: ['app'], containers: ['main'], volumes: ['data'] }),
        'isthmus.dev/namespace': 'shop',
        'cni.example/ips': '10.1.2.3',
      },
    },
    spec: {
      nodeName: 'machine-7',
      priority: 1000,
      dnsPolicy: 'Default',
      enableServiceLinks: false,
      automountServiceAccountToken: false,
      containers: [
        { name: 'sidecar', image: 'mesh' },
        {
          name: 'main',
          image: 'a',
          volumeMounts: [
            { name: 'certs', mountPath: '/c' },
            { name: 'data', mountPath: '/d' },
          ],
        },
      ],
      volumes: [{ name: 'certs' }, { name: 'data', emptyDir: {} }],
      tolerations: [{ key: 'gpu', operator: 'Exists' }],
    },
    status: { phase: 'Running', containerStatuses: [{ name: 'sidecar' }, { name: 'main', ready: true }] },
  }
  const base = `/api/v1/namespaces/${physicalName}/pods`
  upstream.on(`GET ${base}/web`, { json: there })
  const echo = (response: Loose, request: Loose) =>
    response.writeHead(200, { 'content-type': 'application/json' }).end(request.body)
  upstream.on(`PUT ${base}/web`, echo)
  upstream.on(`POST ${base}`, echo)
  const writes = () => upstream.requests.filter((request) => request.method !== 'GET')
  return {
    upstream,
    face,
    principal,
    physicalName,
    there,
    base,
    writes,
    path: '/api/v1/namespaces/shop/pods/web',
  }
}

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

t.test(
  'rule 18: the name is drawn before the reservation, which is committed with what was made',
  async (t) => {
    const { face, upstreamPod, path } = await onSandbox(t)
    const made = await face.request(`POST ${path}`, {
      body: { ...pod(''), metadata: { generateName: 'web-' } },
    })
    t.equal(made.status, 201, made.text)
    const { name } = made.json.metadata
    t.match(name, /^web-[a-z0-9]{5}$/)
    const [entry] = face.fakes.ledger.values()
    t.equal(entry?.request.name, name)
    t.equal(entry?.state, 'committed')
    t.equal(entry?.uid, made.json.metadata.uid)
    t.equal(entry?.amounts.get('requests.cpu'), 100n, 'a missing request is defaulted and charged')
    t.equal((await upstreamPod(name)).metadata.labels['isthmus.dev/reservation'], entry?.request.id)
    const dry = await face.request(`POST ${path}?dryRun=All`, { body: pod('dry') })
    t.equal(dry.status, 201, dry.text)
    t.equal(face.fakes.ledger.size, 1, 'a dry run reserves nothing')
    const twice = await face.request(`POST ${path}`, { body: pod(name) })
    t.equal(twice.status, 409)
    t.equal(twice.json.reason, 'AlreadyExists')
    t.same(
      [...face.fakes.ledger.values()].map((one) => one.state),
      ['committed', 'released'],
    )
    face.fakes.setAway(true)
    t.equal((await face.request(`POST ${path}`, { body: pod('late') })).status, 503, 'no ledger, no create')
  },
)

t.test('rule 18: a create whose answer was lost is one pod and one charge', async (t) => {
  const { upstream, face, base } = await onStub(t)
  let kept: Loose
  upstream.on(`POST ${base}`, (response, request) => {
    kept ??= { ...JSON.parse(request.body), metadata: { ...JSON.parse(request.body).metadata, uid: 'u9' } }
    response.destroy()
  })
  upstream.on(`GET ${base}/lost`, (response) => {
    response
      .writeHead(kept === undefined ? 404 : 200)
      .end(JSON.stringify(kept ?? { kind: 'Status', code: 404 }))
  })
  const body = pod('lost', { annotations: { 'agent.isthmus.dev/uid': 'user-uid' } })
  const first = await face.request('POST /api/v1/namespaces/shop/pods', { body })
  t.equal(first.status, 201, first.text)
  upstream.on(`POST ${base}`, { status: 409, json: { kind: 'Status', code: 409, reason: 'AlreadyExists' } })
  face.fakes.hard.set('pods', 1000n)
  const again = await face.request('POST /api/v1/namespaces/shop/pods', { body })
  t.equal(again.status, 200, again.text)
  t.equal(again.json.metadata.uid, first.json.metadata.uid)
  const states = [...face.fakes.ledger.values()].map((one) => one.state)
  t.equal(states.filter((state) => state === 'committed').length, 1)
  t.notOk(states.includes('reserved'))
  const other = pod('lost', { annotations: { 'agent.isthmus.dev/uid': 'another' } })
  face.fakes.hard.delete('pods')
  t.equal((await face.request('POST /api/v1/namespaces/shop/pods', { body: other })).status, 409)
})

t.test('rule 18: a reservation stays when nobody knows whether the pod was made', async (t) => {
  const { upstream, face, base } = await onStub(t)
  upstream.on(`POST ${base}`, (response) => response.destroy())
  const answer = await face.request('POST /api/v1/namespaces/shop/pods', { body: pod('maybe') })
  t.equal(answer.status, 503)
  t.same(
    [...face.fakes.ledger.values()].map((one) => one.state),
    ['reserved'],
  )
})

t.test('rule 19: kube-root-ca.crt, deletes, eviction and resize', async (t) => {
  const { face, path } = await onSandbox(t)
  const configmaps = '/api/v1/namespaces/shop/configmaps'
  await face.request(`POST ${configmaps}`, { body: { metadata: { name: 'mine' } } })
  t.equal((await face.request(`GET ${configmaps}/kube-root-ca.crt`)).status, 404)
  const create = await face.request(`POST ${configmaps}`, {
    body: { metadata: { name: 'kube-root-ca.crt' } },
  })
  t.equal(create.status, 422)
  t.same(
    (await face.request(`GET ${configmaps}`)).json.items.map((one: Loose) => one.metadata.name),
    ['mine'],
  )
  t.equal((await face.request('DELETE /api/v1/pods')).status, 405)
  const gone = await face.request(`DELETE ${configmaps}`)
  t.equal(gone.status, 200)
  t.same(
    gone.json.items.map((one: Loose) => [one.metadata.name, one.metadata.namespace]),
    [['mine', 'shop']],
  )
  await face.request(`POST ${path}`, { body: pod('web') })
  await eventually(
    'it runs',
    async () => (await face.request(`GET ${path}/web`)).json.status.phase === 'Running',
  )
  const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'web', namespace: 'shop' } }
  t.equal((await face.request(`POST ${path}/web/eviction`, { body: eviction })).status, 201)
  const theirs = { ...eviction, metadata: { name: 'web', namespace: 'other' } }
  t.equal((await face.request(`POST ${path}/web/eviction`, { body: theirs })).status, 400)
})

t.test('rule 19: an eviction’s 429 keeps its Retry-After; a delete never has grace 0', async (t) => {
  const { upstream, face, base, path } = await onStub(t)
  upstream.on(`POST ${base}/web/eviction`, {
    status: 429,
    headers: { 'retry-after': '10' },
    json: {
      kind: 'Status',
      code: 429,
      reason: 'TooManyRequests',
      message: 'budget of t-xyz',
      details: { causes: [{ reason: 'DisruptionBudget', message: 'The disruption budget b needs 1' }] },
    },
  })
  const body = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'web' } }
  const answer = await face.request(`POST ${path}/eviction`, { body })
  t.equal(answer.status, 429)
  t.equal(answer.headers['retry-after'], '10')
  t.equal(answer.json.details.causes[0].reason, 'DisruptionBudget')
  upstream.on(`DELETE ${base}/web`, { json: { kind: 'Status', status: 'Success' } })
  t.equal((await face.request(`DELETE ${path}?gracePeriodSeconds=0`)).status, 200)
  const sent = JSON.parse(upstream.requests.at(-1)?.body ?? '{}')
  t.equal(sent.gracePeriodSeconds, 1)
  t.equal(sent.preconditions.uid, 'u1', 'what was seen to be ours is what goes')
})

t.test('rule 19: a resize reserves the greater of spec and actuated before it is written', async (t) => {
  const { upstream, face, there, base, path } = await onStub(t)
  there.metadata.labels['isthmus.dev/reservation'] = 'r1'
  const amounts = new Map([['pods', 1000n]])
  await face.fakes.quota.reserve({
    id: 'r1',
    tenantId: '',
    nodeId: '',
    clusterId: '',
    namespace: '',
    physicalNamespace: drawPhysicalName(),
    name: '',
    amounts,
  })
  const resize = (cpu: string) =>
    face.request(`PATCH ${path}/resize`, {
      contentType: STRATEGIC,
      body: { spec: { containers: [{ name: 'main', resources: { requests: { cpu } } }] } },
    })
  upstream.on(`PUT ${base}/web/resize`, (response, request) => response.end(request.body))
  face.fakes.hard.set('requests.cpu', 500n)
  t.equal((await resize('400m')).status, 200)
  t.equal(face.fakes.ledger.get('r1')?.amounts.get('requests.cpu'), 400n)
  const over = await resize('2')
  t.equal(over.status, 403)
  t.equal(upstream.requests.filter((one) => one.method === 'PUT').length, 1, 'refused before the write')
})
