import { isIsthmusError } from '../../../src/protocol/errors/index.ts'
import { addCluster } from '../../support/cluster-row.ts'
import { eventually } from '../../support/eventually.ts'
import { makeTenant, startReplicas } from '../../support/gateway.ts'
import { startTestServer } from '../../support/postgres.ts'
import t from '../../support/tap.ts'

const server = await startTestServer()
t.teardown(() => server.stop())

// design.md §4, "While Postgres is away", line by line as far as this folder holds it.
t.test('while Postgres is away look-ups, tokens and log follows go on, and what writes is 503', async (t) => {
  const replicas = await startReplicas(await server.migratedDatabase())
  t.teardown(() => replicas.close())
  const { services } = replicas.gateways[0]!
  const clusterId = await addCluster(replicas, 'dp')
  const made = await makeTenant(replicas, 'acme', clusterId)
  const principal = await services.tokens.verify(made.token)
  const namespace = await services.namespaces.ensure(made.nodeId, 'default')
  const before = await services.sessions.open(principal, {
    verb: 'exec',
    namespace: 'default',
    pod: 'p',
    command: ['x'],
  })

  const resume = await server.outage()
  if (!resume) {
    t.pass('an external Postgres is not stopped')
    return
  }
  await eventually('the copy is stale', () => services.directory.staleSinceMs())
  t.equal((await services.tokens.verify(made.token)).tenantName, 'acme', 'tokens are good until they expire')
  t.same(await services.namespaces.ensure(made.nodeId, 'default'), namespace, 'known namespaces are there')
  t.equal(before.signal.aborted, false, 'what runs keeps running')

  const unavailable = { code: 'unavailable' }
  await t.rejects(services.namespaces.ensure(made.nodeId, 'new'), unavailable)
  await t.rejects(
    services.sessions.open(principal, { verb: 'exec', namespace: 'default', pod: 'p', command: ['x'] }),
    unavailable,
  )
  await t.rejects(
    services.sessions.createTicket(principal, { verb: 'attach', namespace: 'default', pod: 'p' }),
    unavailable,
  )
  await t.rejects(services.tokens.issue(made.credentialId, made.clientSecret), unavailable)
  const reservation = {
    id: crypto.randomUUID(),
    ...made,
    clusterId,
    namespace: 'default',
    physicalNamespace: namespace.physicalName,
    name: 'p',
    amounts: new Map([['pods', 1000n]]),
  }
  await t.rejects(services.quota.reserve(reservation), unavailable, 'F11: fails closed')
  const follow = await services.sessions.open(principal, { verb: 'log', namespace: 'default', pod: 'p' })
  t.equal(follow.signal.aborted, false, 'a log follow opens')
  services.audit.record({
    requestId: 'during',
    actor: 'system',
    verb: 'get',
    resource: 'log',
    outcome: '200',
  })

  t.equal((await replicas.operator('GET', '/v1/tenants')).status, 503)
  const ready = await replicas.call('GET', '/readyz')
  t.equal(ready.status, 200)
  t.match(ready.text, /database degraded/)
  t.equal((await replicas.call('GET', '/livez')).status, 200)
  const forged = await services.tokens.verify(made.token.slice(0, -4)).catch((error) => error)
  t.ok(isIsthmusError(forged, 'unauthenticated'), 'a bad token is still bad')

  await resume()
  await eventually('fresh', () => services.directory.staleSinceMs() === undefined)
  t.equal((await replicas.operator('GET', '/v1/tenants')).status, 200)
  await eventually('the log follow is registered afterwards', async () => {
    const { json } = await replicas.operator('GET', '/v1/sessions')
    return json.items.some((item: { id: string }) => item.id === follow.id)
  })
  await eventually('the audit is written afterwards', async () => {
    const { json } = await replicas.operator('GET', '/v1/audit')
    return json.items.some((item: { requestId: string }) => item.requestId === 'during')
  })
  await services.quota.reserve(reservation)
  await Promise.all([before.end('test'), follow.end('test')])
})
