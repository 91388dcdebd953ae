import { randomUUID } from 'node:crypto'
import { operatorRoutes } from '../../../src/gateway/routes/operator/index.ts'
import { openDatabase } from '../../../src/gateway/store/database.ts'
import { silentLogger } from '../../../src/lib/logger.ts'
import { addCluster } from '../../support/cluster-row.ts'
import { makeTenant, startReplicas } from '../../support/gateway.ts'
import { startTestServer } from '../../support/postgres.ts'
import t from '../../support/tap.ts'

const server = await startTestServer()
const url = await server.migratedDatabase()
const replicas = await startReplicas(url)
t.teardown(async () => {
  await replicas.close()
  await server.stop()
})
const { operator } = replicas
const { services } = replicas.gateways[0]!
const clusterId = await addCluster(replicas, 'dp')
const a = await makeTenant(replicas, 'tenant-a', clusterId)
const b = await makeTenant(replicas, 'tenant-b', clusterId)
const gone = await makeTenant(replicas, 'tenant-gone', clusterId)
await operator('DELETE', '/v1/tenants/tenant-gone')
const tokenOfA = (
  await operator('POST', '/v1/operators', {
    body: { name: 'admin-a', role: 'tenant-admin', tenant: 'tenant-a' },
  })
).json.token
const viewer = (await operator('POST', '/v1/operators', { body: { name: 'viewer', role: 'viewer' } })).json
  .token

async function sessionOf(tenant: typeof a): Promise<string> {
  const principal = await services.tokens.verify(tenant.token)
  const target = { verb: 'exec' as const, namespace: 'default', pod: 'p', command: ['true'] }
  return (await services.sessions.createTicket(principal, target)).session.id
}

const ids: Record<string, { own: string; others: string; deleted: string; random: string }> = {
  tenant: { own: a.tenantId, others: b.tenantId, deleted: gone.tenantId, random: randomUUID() },
  node: { own: a.nodeId, others: b.nodeId, deleted: gone.nodeId, random: randomUUID() },
  credential: {
    own: a.credentialId,
    others: b.credentialId,
    deleted: gone.credentialId,
    random: randomUUID(),
  },
  session: {
    own: await sessionOf(a),
    others: await sessionOf(b),
    deleted: randomUUID(),
    random: randomUUID(),
  },
}
const bodies: Record<string, unknown> = { PATCH: {}, PUT: { hard: {} } }

t.test('A10: every route of the operator face refuses no token, a wrong one, and a tenant’s', async (t) => {
  for (const route of operatorRoutes) {
    const path = route.url.replace(/:\w+/, randomUUID())
    for (const token of [null, 'iso_wrong', a.token, a.clientSecret]) {
      const answer = await operator(route.method, path, { token, body: bodies[route.method] })
      t.equal(answer.status, 401, `${route.operationId} with ${token?.slice(0, 4)}`)
    }
  }
  t.equal((await fetch(`${replicas.gateways[0]!.operatorUrl}/metrics`)).status, 401)
  t.equal((await replicas.call('GET', '/metrics')).status, 404, 'A11: not on the public listener')
  t.equal((await replicas.call('GET', '/v1/tenants', { token: replicas.adminToken })).status, 404)
})

t.test('B8: to a tenant-admin another’s id, a deleted and a random one are the same', async (t) => {
  const withId = operatorRoutes.filter((route) => /:\w+/.test(route.url))
  let compared = 0
  for (const route of withId) {
    const parameter = /:(\w+)/.exec(route.url)?.[1] as string
    const of = ids[parameter]
    if (!of) continue // clusters and operators are not a tenant’s at all, see below
    const answers = []
    for (const id of [of.others, of.deleted, of.random]) {
      const path = route.url.replace(`:${parameter}`, id)
      const answer = await operator(route.method, path, { token: tokenOfA, body: bodies[route.method] })
      answers.push(`${answer.status} ${answer.text.replace(/"requestId":"[^"]+"/, '')}`)
    }
    t.equal(new Set(answers).size, 1, `${route.operationId}: ${answers[0]?.slice(0, 40)}`)
    t.match(answers[0], /^(404|403) /)
    compared++
  }
  t.ok(compared >= 12, `${compared} routes compared`)
  t.equal((await operator('GET', `/v1/tenants/${b.tenantId}`)).status, 200, 'nothing was changed')
  t.equal((await operator('GET', `/v1/credentials/${b.credentialId}`)).json.revoked, false)
})

t.test('B8: by name and by filter others are missing too; its own are there', async (t) => {
  const get = (path: string) => operator('GET', path, { token: tokenOfA })
  for (const path of [
    'tenants/tenant-b',
    'nodes/tenant-b%2Feast',
    'nodes?tenant=tenant-b',
    'usage?tenant=tenant-b',
  ])
    t.equal((await get(`/v1/${path}`)).status, 404, path)
  const post = (body: object) => operator('POST', '/v1/credentials', { token: tokenOfA, body })
  t.equal((await post({ node: 'tenant-b/east' })).status, 404)
  t.equal((await post({ node: b.nodeId })).status, 404)
  t.equal((await post({ node: 'tenant-a/east', kind: 'client' })).status, 201)
  for (const noun of ['tenants', 'nodes', 'credentials', 'sessions', 'usage', 'audit']) {
    const list = await get(`/v1/${noun}`)
    t.equal(list.status, 200)
    t.notMatch(list.text, /tenant-b/, noun)
    t.notMatch(list.text, new RegExp(`${b.tenantId}|${b.nodeId}|${b.credentialId}`), noun)
  }
  t.equal((await get('/v1/tenants')).json.items.length, 1)
})

t.test('roles: a tenant-admin and a viewer get no further than they may', async (t) => {
  const as = async (token: string, method: string, path: string, body?: unknown) =>
    (await operator(method, path, { token, body })).status
  t.equal(await as(tokenOfA, 'POST', '/v1/tenants', { name: 'mine' }), 403)
  t.equal(await as(tokenOfA, 'PATCH', '/v1/tenants/tenant-a/quota', { hard: { pods: '999' } }), 403)
  t.equal(await as(tokenOfA, 'GET', '/v1/clusters'), 403)
  t.equal(await as(tokenOfA, 'GET', '/v1/operators'), 403)
  t.equal(await as(tokenOfA, 'GET', '/metrics'), 403)
  t.equal(await as(viewer, 'GET', '/v1/tenants'), 200)
  t.equal(await as(viewer, 'DELETE', `/v1/credentials/${b.credentialId}`), 403)
  t.equal(await as(viewer, 'DELETE', `/v1/sessions/${ids['session']?.others}`), 403)
  t.equal(await as(viewer, 'GET', '/metrics'), 200)
})

t.test(
  'the second wall: without the application’s filter row-level security still shows one tenant',
  async (t) => {
    await services.namespaces.ensure(a.nodeId, 'default')
    await services.namespaces.ensure(b.nodeId, 'default')
    const database = openDatabase({ url, logger: silentLogger })
    t.teardown(() => database.close())
    const tables = ['nodes', 'credentials', 'namespaces', 'ledger', 'sessions']
    for (const table of tables) {
      const statement = `select distinct tenant_id from ${table}`
      const all = await database.query(statement)
      t.ok(all.length >= 2, `${table} holds both tenants`)
      const seen = await database.forTenant(a.tenantId, (tx) => tx.query(statement))
      t.same(seen, [{ tenant_id: a.tenantId }], table)
    }
    const scoped = (sql: string, values: unknown[] = []) =>
      database.forTenant(a.tenantId, (tx) => tx.query(sql, values))
    t.same(await scoped('select id from tenants'), [{ id: a.tenantId }])
    t.same(await scoped('update namespaces set name = name returning tenant_id'), [{ tenant_id: a.tenantId }])
    t.same(await scoped('delete from sessions where tenant_id = $1 returning id', [b.tenantId]), [])
    const steal = `insert into namespaces (node_id, tenant_id, name, physical_name) values ($1, $2, 'x', 't-' || repeat('a', 26))`
    await t.rejects(scoped(steal, [b.nodeId, b.tenantId]), { code: 'internal' }, 'no row for another tenant')
    for (const table of ['operators', 'signing_keys', 'idempotency_keys', 'changes']) {
      await t.rejects(scoped(`select * from ${table}`), { code: 'internal' }, `${table} is out of reach`)
    }
    await t.rejects(scoped(`update ledger set hard = 1`), { code: 'internal' }, 'limits are not the tenant’s')
    await t.rejects(scoped('select sealed_credential from clusters'), { code: 'internal' })
    t.same(
      await database.query('select current_user = session_user as own'),
      [{ own: true }],
      'the role does not stay',
    )
  },
)
