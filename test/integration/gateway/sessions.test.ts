import { randomUUID } from 'node:crypto'
import type { SessionTarget } from '../../../src/gateway/sessions/index.ts'
import { isIsthmusError } from '../../../src/protocol/errors/index.ts'
import { addCluster } from '../../support/cluster-row.ts'
import { eventually } from '../../support/eventually.ts'
import { makeTenant, startReplicas } from '../../support/gateway.ts'
import { startTestServer } from '../../support/postgres.ts'
import t from '../../support/tap.ts'

const server = await startTestServer()
const replicas = await startReplicas(await server.migratedDatabase(), 2)
t.teardown(async () => {
  await replicas.close()
  await server.stop()
})
const clusterId = await addCluster(replicas, 'dp')
const [first, second] = replicas.gateways.map((gateway) => gateway.services)
const target: SessionTarget = {
  verb: 'exec',
  namespace: 'default',
  pod: 'p',
  container: 'c',
  command: ['true'],
}
const log: SessionTarget = { verb: 'log', namespace: 'default', pod: 'p', logOptions: { follow: 'true' } }

async function tenant(name: string) {
  const made = await makeTenant(replicas, name, clusterId)
  await second!.directory.refresh()
  return { ...made, principal: await first!.tokens.verify(made.token) }
}

t.test(
  'C11: a ticket opened on one replica is used on the other; of 20 at once on both exactly one wins',
  async (t) => {
    const { principal } = await tenant('tickets')
    const { session, ticket } = await first!.sessions.createTicket(principal, target)
    const outcomes = await Promise.allSettled(
      Array.from({ length: 20 }, (_, index) =>
        (index % 2 ? first! : second!).sessions.redeem(session.id, ticket),
      ),
    )
    const won = outcomes.filter((outcome) => outcome.status === 'fulfilled')
    t.equal(won.length, 1)
    t.ok(outcomes.every((o) => o.status === 'fulfilled' || isIsthmusError(o.reason, 'not_found')))
    const opened = won[0]!.value
    t.same(opened.target, target, 'bound to all that was asked for')
    t.match(opened.fullPrincipal, {
      tenantName: 'tickets',
      nodeName: 'east',
      clusterId,
      credentialKind: 'agent',
    })
    await opened.end('completed')
    await t.rejects(first!.sessions.redeem(session.id, ticket), { code: 'not_found' }, 'used up')
  },
)

t.test('C11: a ticket opens its own session only, and nothing after its time', async (t) => {
  const { principal } = await tenant('binding')
  const one = await first!.sessions.createTicket(principal, target)
  const two = await first!.sessions.createTicket(principal, target)
  await t.rejects(first!.sessions.redeem(two.session.id, one.ticket), { code: 'not_found' })
  await t.rejects(first!.sessions.redeem(`' or 1=1 --`, one.ticket), { code: 'not_found' })
  t.ok(one.expiresAtMs - Date.now() <= 30_000, 'seconds')
  await t.rejects(first!.sessions.redeem(one.session.id, `${one.ticket}x`), { code: 'unauthenticated' })
})

for (const [name, act] of Object.entries({
  revoked: (made: { credentialId: string }) =>
    replicas.operator('DELETE', `/v1/credentials/${made.credentialId}`),
  suspended: (made: { tenantId: string }) =>
    replicas.operator('PATCH', `/v1/tenants/${made.tenantId}`, { body: { suspended: true } }),
  deleted: (made: { nodeId: string }) => replicas.operator('DELETE', `/v1/nodes/${made.nodeId}`),
})) {
  t.test(
    `C9: ${name} on one replica cuts the streams of the other in under 2 s, and nothing new opens`,
    async (t) => {
      const made = await tenant(`cut-${name}`)
      const other = await tenant(`cut-${name}-other`)
      const sessions = await Promise.all([
        first!.sessions.open(made.principal, target),
        second!.sessions.open(made.principal, target),
        second!.sessions.open(made.principal, log),
      ])
      const bystander = await second!.sessions.open(other.principal, target)
      const { ticket, session } = await first!.sessions.createTicket(made.principal, target)
      const began = Date.now()
      t.ok((await act(made)).status < 300)
      await eventually('all cut', () => sessions.every(({ signal }) => signal.aborted))
      t.ok(Date.now() - began < 2_000, `${Date.now() - began} ms`)
      t.ok(sessions.every(({ signal }) => isIsthmusError(signal.reason)))
      t.equal(bystander.signal.aborted, false, 'a neighbour’s stream goes on')
      await t.rejects(second!.sessions.redeem(session.id, ticket), 'its tickets are dead')
      await t.rejects(second!.tokens.verify(made.token), 'its tokens are dead')
      await Promise.all([...sessions, bystander].map((open) => open.end('test')))
    },
  )
}

t.test(
  'an operator kills a session on whichever replica it is; it is listed with its bytes and its end',
  async (t) => {
    const made = await tenant('kill')
    const open = await second!.sessions.open(made.principal, target)
    open.touch(10, 20)
    const listed = await replicas.operator('GET', '/v1/sessions?tenant=kill')
    t.match(listed.json.items, [{ id: open.id, verb: 'exec', state: 'open', pod: 'p', namespace: 'default' }])
    t.equal((await replicas.operator('DELETE', `/v1/sessions/${open.id}`)).status, 204)
    await eventually('cut', () => open.signal.aborted)
    await open.end('client-gone')
    t.same((await replicas.operator('GET', '/v1/sessions?tenant=kill')).json.items, [])
    const ended = (await replicas.operator('GET', `/v1/sessions/${open.id}`)).json
    t.match(ended, { state: 'ended', outcome: 'killed', bytesIn: 10, bytesOut: 20 })
    t.equal((await replicas.operator('DELETE', `/v1/sessions/${randomUUID()}`)).status, 404)
  },
)

t.test('a killed ticket opens nothing', async (t) => {
  const { principal } = await tenant('kill-ticket')
  const { session, ticket } = await first!.sessions.createTicket(principal, target)
  await replicas.operator('DELETE', `/v1/sessions/${session.id}`)
  await t.rejects(second!.sessions.redeem(session.id, ticket), { code: 'not_found' })
})

t.test(
  'the writer’s lease: one of two at once gets it, the epoch rises with the holder, an old one is refused',
  async (t) => {
    const made = await tenant('lease')
    const call = (method: string, body: object, replica = 0) =>
      replicas.call(method, '/v1/writer-lease', { token: made.token, body, replica })
    const both = await Promise.all([call('POST', { instance: 'one' }), call('POST', { instance: 'two' }, 1)])
    t.same(both.map(({ status }) => status).sort(), [200, 409])
    const winner = both.find(({ status }) => status === 200)!.json
    t.match(winner, { epoch: 1, durationSeconds: 12 })
    t.equal(
      (await call('POST', { instance: winner.instance })).json.epoch,
      1,
      'the same instance keeps its epoch',
    )
    t.equal((await call('PUT', { instance: winner.instance, epoch: 1 }, 1)).status, 200)
    const loser = winner.instance === 'one' ? 'two' : 'one'
    t.equal((await call('PUT', { instance: loser, epoch: 1 })).json.code, 'stale_epoch')
    const release = `/v1/writer-lease?instance=${winner.instance}&epoch=1`
    t.equal((await replicas.call('DELETE', release, { token: made.token })).status, 204)
    t.equal((await replicas.call('DELETE', release, { token: made.token })).status, 204, 'idempotent')
    t.equal((await call('POST', { instance: loser })).json.epoch, 2)
    t.equal((await call('PUT', { instance: winner.instance, epoch: 1 })).json.code, 'stale_epoch')
    t.equal(first!.directory.node(made.nodeId)?.writerEpoch, 2)
    await eventually('the other replica knows', () => second!.directory.node(made.nodeId)?.writerEpoch === 2)
  },
)

t.test(
  '/v1/self tells who and what, rests on its ETag, and wakes when quota or cluster change',
  async (t) => {
    const made = await tenant('self')
    const get = (path: string, etag?: string) =>
      replicas.call('GET', path, { token: made.token, headers: etag ? { 'if-none-match': etag } : {} })
    const answer = await get('/v1/self')
    t.match(answer.json, {
      tenant: { name: 'self', suspended: false },
      node: { name: 'east', capacity: { cpu: '8', memory: '16Gi', pods: '20' } },
      cluster: { network: 'isolated', maintenance: false },
      writer: { epoch: 0 },
    })
    t.match(
      answer.json.quota.find((row: { scope: string; resource: string }) => row.scope === 'tenant'),
      { resource: 'pods', hard: '10', used: '0' },
    )
    await eventually(
      'the unreachable data plane is told',
      async () => !(await get('/v1/self')).json.cluster.reachable,
    )
    const etag = (await get('/v1/self')).headers.get('etag') as string
    t.equal((await get('/v1/self', etag)).status, 304)
    const waiting = get('/v1/self?wait=30', etag)
    await replicas.operator('PATCH', '/v1/tenants/self/quota', { body: { hard: { pods: '11' } } })
    const woken = await waiting
    t.equal(woken.status, 200)
    t.equal(
      woken.json.quota.find((row: { resource: string }) => row.resource === 'pods').hard !== undefined,
      true,
    )
    t.equal((await get('/v1/self?wait=61')).status, 400)
    const revoked = get('/v1/self?wait=30', woken.headers.get('etag') as string)
    await replicas.operator('DELETE', `/v1/credentials/${made.credentialId}`)
    t.equal((await revoked).status, 401, 'a waiting one is told of its revocation')
  },
)

t.test('a client’s credential may read, but neither lead nor, read-only, enter', async (t) => {
  const made = await makeTenant(replicas, 'client', clusterId, 'client')
  const post = (path: string, body: object) => replicas.call('POST', path, { token: made.token, body })
  t.equal((await post('/v1/writer-lease', { instance: 'x' })).status, 403)
  t.equal((await post('/v1/sessions', target)).status, 201)
  for (const bad of [
    { ...target, pod: '../x' },
    { ...target, namespace: '' },
    { ...target, command: undefined },
    { ...target, verb: 'log' },
    { ...target, extra: 1, container: '..' },
  ]) {
    t.equal((await post('/v1/sessions', bad)).status, 422, JSON.stringify(bad))
  }
})
