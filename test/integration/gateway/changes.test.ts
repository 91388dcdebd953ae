import { addCluster } from '../../support/cluster-row.ts'
import { eventually } from '../../support/eventually.ts'
import { makeTenant, startReplicas, tokenOf } from '../../support/gateway.ts'
import { startTestServer } from '../../support/postgres.ts'
import t from '../../support/tap.ts'

const server = await startTestServer()
const replicas = await startReplicas(await server.migratedDatabase(), 2)
t.teardown(async () => {
  await replicas.close()
  await server.stop()
})
const { operator } = replicas
const clusterId = await addCluster(replicas, 'dp')
const acme = await makeTenant(replicas, 'acme', clusterId, 'client')
await operator('POST', '/v1/tenants', { body: { name: 'beta' } })

const change = (path: string, body: object, options: { etag?: string; token?: string } = {}) =>
  operator('PATCH', `/v1/${path}`, {
    body,
    headers: options.etag === undefined ? {} : { 'if-match': options.etag },
    ...(options.token ? { token: options.token } : {}),
  })

t.test('a credential’s description and access are changed under the revision that was read', async (t) => {
  const path = `credentials/${acme.credentialId}`
  const read = await operator('GET', `/v1/${path}`)
  const etag = read.headers.get('etag') ?? ''
  t.equal(etag, '"1"')
  const changed = await change(path, { description: 'CI' }, { etag })
  t.equal(changed.status, 200)
  t.equal(changed.headers.get('etag'), '"2"')
  t.match(changed.json, { description: 'CI', access: 'edit', revoked: false })
  t.notOk('revision' in changed.json || 'tenantId' in changed.json)
  t.equal((await change(path, { description: 'late' }, { etag })).status, 412)
  await tokenOf(replicas, acme)
  t.equal((await operator('GET', `/v1/${path}`)).headers.get('etag'), '"2"', 'its use is no change')
  t.equal((await change(path, { kind: 'agent' })).status, 422)
  t.equal((await change(path, { access: 'all' })).status, 422)
})

t.test('C9: less access ends what was opened with more, on every replica, and holds at once', async (t) => {
  const { directory } = replicas.gateways[1]!.services
  const cutOffs: unknown[] = []
  t.teardown(directory.onCutOff((cutOff) => cutOffs.push(cutOff)))
  t.equal((await change(`credentials/${acme.credentialId}`, { access: 'read-only' })).status, 200)
  await eventually('cut off on the other replica', () => cutOffs.length > 0)
  t.same(cutOffs, [{ scope: 'credential', id: acme.credentialId, reason: 'limited' }])
  const write = await replicas.call('POST', '/api/v1/namespaces', {
    token: acme.token,
    body: { metadata: { name: 'shop' } },
  })
  t.equal(write.status, 403, 'the token is the same, what it may do is not')
})

t.test('an agent’s credential stays one that writes; a revoked one changes no more', async (t) => {
  const made = await operator('POST', '/v1/credentials', { body: { node: 'acme/east', kind: 'agent' } })
  const path = `credentials/${made.json.id}`
  t.equal((await change(path, { access: 'read-only' })).status, 422)
  await operator('DELETE', `/v1/${path}`)
  t.equal((await change(path, { description: 'x' })).status, 412)
})

t.test('an operator’s name, role and expiry change; its token stays', async (t) => {
  const made = await operator('POST', '/v1/operators', { body: { name: 'ann', role: 'viewer' } })
  const { token } = made.json
  const etag = (await operator('GET', '/v1/operators/ann')).headers.get('etag') ?? ''
  t.equal((await change('operators/ann', { role: 'admin' }, { token })).status, 403, 'not by itself')
  const named = await change('operators/ann', { name: 'anne', expiresInSeconds: 3600 }, { etag })
  t.match(named.json, { name: 'anne', role: 'viewer', id: made.json.id })
  t.ok(named.json.expiresAt)
  t.equal((await change('operators/anne', { name: 'late' }, { etag })).status, 412)
  t.notOk((await change('operators/anne', { expiresInSeconds: null })).json.expiresAt)
  t.equal((await operator('GET', '/v1/tenants/beta', { token })).status, 200)
  t.equal((await change('operators/anne', { role: 'tenant-admin' })).status, 422, 'whose?')
  t.equal((await change('operators/anne', { tenant: 'acme' })).status, 422, 'a viewer is nobody’s')
  const own = await change('operators/anne', { role: 'tenant-admin', tenant: 'acme' })
  t.match(own.json, { role: 'tenant-admin', tenant: 'acme' })
  t.equal((await operator('GET', '/v1/tenants/beta', { token })).status, 404, 'its tenant alone, at once')
  t.match((await change('operators/anne', { name: 'ann' })).json, { role: 'tenant-admin', tenant: 'acme' })
  await operator('POST', '/v1/operators', { body: { name: 'bob', role: 'viewer' } })
  t.equal((await change('operators/bob', { name: 'ann' })).status, 409, 'a name is one operator’s')
  t.notOk((await change('operators/ann', { role: 'admin' })).json.tenant)
  t.equal((await operator('GET', '/v1/tenants/beta', { token })).status, 200)
})

t.test('the last admin stays one, also when two are changed at once', async (t) => {
  const { json } = await operator('GET', '/v1/operators')
  const admins: string[] = json.items
    .filter(({ role }: { role: string }) => role === 'admin')
    .map(({ name }: { name: string }) => name)
  t.equal(admins.length, 2)
  const changed = await Promise.all(admins.map((name) => change(`operators/${name}`, { role: 'viewer' })))
  const [first, second] = changed.map(({ status }) => status).sort()
  t.equal(first, 200)
  // 403 where it was asked with the token of the one that is no admin any more.
  t.ok(second === 409 || second === 403, `${second}`)
})
