import { eventually } from '../../support/eventually.ts'
import { onSandbox, onStub, pod } from '../../support/face-pods.ts'
import { drawPhysicalName } from '../../support/gateway-fakes.ts'
import type { Loose } from '../../support/kube-face.ts'
import t from '../../support/tap.ts'

const STRATEGIC = 'application/strategic-merge-patch+json'

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
