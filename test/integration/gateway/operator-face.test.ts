import { addCluster } from '../../support/cluster-row.ts'
import { eventually } from '../../support/eventually.ts'
import { makeTenant, startReplicas, tokenOf } from '../../support/gateway.ts'
import { startTestServer } from '../../support/postgres.ts'
import t from '../../support/tap.ts'

const server = await startTestServer()
const replicas = await startReplicas(await server.migratedDatabase())
t.teardown(async () => {
  await replicas.close()
  await server.stop()
})
const { operator } = replicas
const clusterId = await addCluster(replicas, 'dp')

t.test('a tenant is made, read by id and name, changed and deleted', async (t) => {
  const made = await operator('POST', '/v1/tenants', { body: { name: 'life', quota: { pods: '3' } } })
  t.equal(made.status, 201)
  t.equal(made.headers.get('etag'), '"1"')
  t.ok(made.headers.get('x-request-id'))
  t.same((await operator('GET', `/v1/tenants/${made.json.id}`)).json, made.json)
  t.same((await operator('GET', '/v1/tenants/life')).json, made.json)
  const changed = await operator('PATCH', '/v1/tenants/life', { body: { displayName: 'Life' } })
  t.equal(changed.json.displayName, 'Life')
  t.equal((await operator('DELETE', '/v1/tenants/life')).status, 204)
  t.equal((await operator('GET', '/v1/tenants/life')).status, 404)
})

t.test('If-Match: of two changes that read the same revision one wins, the other is 412', async (t) => {
  await operator('POST', '/v1/tenants', { body: { name: 'match' } })
  const change = (displayName: string) =>
    operator('PATCH', '/v1/tenants/match', { body: { displayName }, headers: { 'if-match': '"1"' } })
  const statuses = (await Promise.all([change('a'), change('b')])).map((answer) => answer.status)
  t.same(statuses.sort(), [200, 412])
  const quota = await operator('GET', '/v1/tenants/match/quota')
  t.equal(quota.headers.get('etag'), '"2"')
  const etag = { 'if-match': '"1"' }
  const late = await operator('PATCH', '/v1/tenants/match/quota', {
    body: { hard: { pods: '1' } },
    headers: etag,
  })
  t.equal(late.json.code, 'precondition_failed')
  t.equal(
    (await operator('PATCH', '/v1/tenants/match', { body: {}, headers: { 'if-match': 'x' } })).status,
    412,
  )
})

t.test('F4: Idempotency-Key: ten at once make one, and all get the same answer', async (t) => {
  const post = () =>
    operator('POST', '/v1/tenants', { body: { name: 'idem' }, headers: { 'idempotency-key': 'key-1' } })
  const answers = await Promise.all(Array.from({ length: 10 }, post))
  t.same(new Set(answers.map((answer) => answer.status)), new Set([201]))
  t.equal(new Set(answers.map((answer) => answer.json.id)).size, 1)
  const other = await operator('POST', '/v1/tenants', {
    body: { name: 'other' },
    headers: { 'idempotency-key': 'key-1' },
  })
  t.equal(other.status, 422)
  t.equal(other.json.code, 'idempotency_mismatch')
})

t.test('a replayed credential comes without its secret; a failed request frees its key', async (t) => {
  await operator('POST', '/v1/tenants', { body: { name: 'replay' } })
  const capacity = { pods: '1' }
  await operator('POST', '/v1/nodes', { body: { name: 'n', tenant: 'replay', cluster: 'dp', capacity } })
  const post = () =>
    operator('POST', '/v1/credentials', {
      body: { node: 'replay/n' },
      headers: { 'idempotency-key': 'cred' },
    })
  const first = await post()
  t.match(first.json.clientSecret, /^isc_[\w-]{43}$/)
  const second = await post()
  t.equal(second.headers.get('idempotent-replayed'), 'true')
  t.equal(second.json.id, first.json.id)
  t.notOk('clientSecret' in second.json)
  t.notOk((await operator('GET', `/v1/credentials/${first.json.id}`)).text.includes('isc_'))
  const headers = { 'idempotency-key': 'fails' }
  const body = { node: 'replay/missing' }
  t.equal((await operator('POST', '/v1/credentials', { body, headers })).status, 404)
  t.equal((await operator('POST', '/v1/credentials', { body, headers })).status, 404)
})

t.test('an agent’s node has two valid credentials at most, also when ten ask at once', async (t) => {
  await operator('POST', '/v1/tenants', { body: { name: 'slots' } })
  await operator('POST', '/v1/nodes', {
    body: { name: 'n', tenant: 'slots', cluster: 'dp', capacity: { pods: '1' } },
  })
  const ask = () => operator('POST', '/v1/credentials', { body: { node: 'slots/n' } })
  const answers = await Promise.all(Array.from({ length: 10 }, ask))
  // Several may race for the same slot and be refused; they come again, and two is the end of it.
  for (let round = 0; round < 3; round++) answers.push(await ask())
  const made = answers.filter((answer) => answer.status === 201)
  t.equal(made.length, 2)
  t.equal(answers.at(-1)?.json.code, 'already_exists')
  await operator('DELETE', `/v1/credentials/${made[0]?.json.id}`)
  t.equal((await ask()).status, 201, 'a revoked one makes room')
  t.equal(
    (await operator('POST', '/v1/credentials', { body: { node: 'slots/n', kind: 'client' } })).status,
    201,
  )
})

t.test('lists come in pages that together are the whole, each item once', async (t) => {
  for (let index = 0; index < 7; index++)
    await operator('POST', '/v1/tenants', { body: { name: `page-${index}` } })
  const names: string[] = []
  let next = ''
  do {
    const page = await operator('GET', `/v1/tenants?limit=3${next && `&continue=${next}`}`)
    t.ok(page.json.items.length <= 3)
    names.push(...page.json.items.map((item: { name: string }) => item.name))
    next = page.json.continue ?? ''
  } while (next)
  const all = (await operator('GET', '/v1/tenants')).json.items.map((item: { name: string }) => item.name)
  t.same(names, all)
  t.equal(new Set(names).size, names.length)
  t.equal((await operator('GET', '/v1/tenants?continue=bm90LW91cnM')).status, 400)
})

t.test('quota: quantities are exact, faults are told all at once, lowered limits over-commit', async (t) => {
  await operator('POST', '/v1/tenants', { body: { name: 'quota' } })
  const put = (hard: object) => operator('PUT', '/v1/tenants/quota/quota', { body: { hard } })
  const set = await put({ 'requests.cpu': '1500m', 'requests.memory': '1.5Gi', pods: 'unlimited' })
  t.match(set.json.rows, [
    { resource: 'pods', hard: 'unlimited' },
    { resource: 'requests.cpu', hard: '1500m' },
    { resource: 'requests.memory', hard: '1536Mi' },
  ])
  for (const bad of ['1e400', '-5Gi', '0x10', '', 'Infinity', '9'.repeat(65)]) {
    t.equal((await put({ 'requests.cpu': bad })).status, 422, `quantity ${JSON.stringify(bad.slice(0, 10))}`)
  }
  const two = await put({ 'requests.cpu': '-1', pods: 'many' })
  t.equal(two.json.errors.length, 2)
  const patched = await operator('PATCH', '/v1/tenants/quota/quota', { body: { hard: { pods: null } } })
  t.same(
    patched.json.rows.map((row: { resource: string }) => row.resource),
    ['requests.cpu', 'requests.memory'],
  )
})

t.test('nodes that carry something are refused to go, unless told how', async (t) => {
  const made = await makeTenant(replicas, 'carry', clusterId)
  const { quota, namespaces } = replicas.gateways[0]!.services
  const namespace = await namespaces.ensure(made.nodeId, 'default')
  await quota.reserve({
    id: crypto.randomUUID(),
    ...made,
    clusterId,
    namespace: 'default',
    physicalNamespace: namespace.physicalName,
    name: 'p',
    amounts: new Map([['pods', 1000n]]),
  })
  for (const path of ['/v1/nodes/carry%2Feast', '/v1/tenants/carry', '/v1/clusters/dp']) {
    const refused = await operator('DELETE', path)
    t.equal(refused.json?.code, 'in_use', path)
  }
  t.equal((await operator('DELETE', '/v1/nodes/carry%2Feast?mode=drain')).status, 202)
  t.equal((await operator('GET', '/v1/nodes/carry%2Feast')).json.draining, true)
  const more = quota.reserve({
    id: crypto.randomUUID(),
    ...made,
    clusterId,
    namespace: 'default',
    physicalNamespace: namespace.physicalName,
    name: 'q',
    amounts: new Map([['pods', 1000n]]),
  })
  await t.rejects(more, { code: 'unavailable' }, 'a draining node takes nothing new')
  await tokenOf(replicas, made)
  // Nobody answers at its address: what is there is given up (removal.test.ts).
  const { upstreams } = replicas.gateways[0]!.services
  await eventually('the data plane is seen to be away', () => !upstreams.health(clusterId).reachable, 60_000)
  t.equal((await operator('DELETE', '/v1/nodes/carry%2Feast?mode=force')).status, 200)
  await t.rejects(tokenOf(replicas, made), /401/, 'force ends its credentials')
})

t.test('B12: a tenant of the same name is another one: old tokens and rows do not attach', async (t) => {
  const first = await makeTenant(replicas, 'reborn', clusterId)
  t.equal((await operator('DELETE', '/v1/tenants/reborn')).status, 204)
  const second = await makeTenant(replicas, 'reborn', clusterId)
  t.not(second.tenantId, first.tenantId)
  await eventually('the old token is refused', async () => {
    return (await replicas.call('GET', '/v1/self', { token: first.token })).status === 401
  })
  t.equal((await replicas.call('GET', '/v1/self', { token: second.token })).status, 200)
})

t.test('every change is in the audit with who, what and how it ended', async (t) => {
  const refused = await operator('POST', '/v1/tenants', { body: { name: 'life2' }, headers: {} })
  await operator('POST', '/v1/tenants', { body: { name: 'life2' } })
  t.equal(refused.status, 201)
  await eventually('audit', async () => {
    const { json } = await operator('GET', '/v1/audit?limit=50')
    const of = json.items.filter((item: { verb: string }) => item.verb === 'createTenant')
    return (
      of.some((item: { outcome: string }) => item.outcome === '409') &&
      of.some((i: { name: string }) => i.name === 'life2')
    )
  })
})

t.test('G11: hostile strings are names that are not found, never SQL', async (t) => {
  const hostile = [
    `' or 1=1 --`,
    `'; drop table tenants; --`,
    `\\'; select pg_sleep(9) --`,
    `$1`,
    `%27%20or%201=1`,
    `acme"; delete from audit`,
    '\u0000',
    `{"$ne":1}`,
    'x'.repeat(250),
  ]
  for (const text of hostile) {
    const encoded = encodeURIComponent(text)
    for (const path of ['tenants', 'clusters', 'nodes', 'credentials', 'sessions', 'operators']) {
      const answer = await operator('GET', `/v1/${path}/${encoded}`)
      t.ok(
        [400, 404].includes(answer.status),
        `${path} ${JSON.stringify(text.slice(0, 20))}: ${answer.status}`,
      )
    }
    t.ok([400, 404].includes((await operator('GET', `/v1/nodes?tenant=${encoded}`)).status))
    t.ok([200, 400].includes((await operator('GET', `/v1/tenants?continue=${encoded}`)).status))
    const cursor = Buffer.from(`c1:${text}`).toString('base64url')
    t.ok([200, 400].includes((await operator('GET', `/v1/audit?continue=${cursor}`)).status))
  }
  t.equal((await operator('GET', '/v1/tenants/life2')).status, 200)
})

t.test('bodies: broken JSON, wrong type, unknown and wrong fields, too large', async (t) => {
  const post = (body: unknown, headers = {}) => operator('POST', '/v1/tenants', { body, headers })
  t.equal((await post('{"name":', { 'content-type': 'application/json' })).status, 400)
  t.equal((await post('name=x', { 'content-type': 'text/plain' })).status, 415)
  t.equal((await post('{}', { 'content-type': 'application/json\ta' })).status, 415, 'A13')
  t.equal((await post({ name: 'x', admin: true })).json.errors[0].field, 'admin')
  t.equal((await post({ name: 5 })).status, 422, 'nothing is coerced')
  t.equal((await post({ name: '../x' })).status, 422)
  t.equal((await post({ name: 'x', displayName: 'y'.repeat(4 * 1024 * 1024) })).status, 413)
  t.equal((await operator('GET', '/v1/tenants?nope=1')).json.code, 'unknown_parameter')
})
