import { randomUUID } from 'node:crypto'
import { addCluster } from '../../support/cluster-row.ts'
import { eventually } from '../../support/eventually.ts'
import { makeTenant, startReplicas } from '../../support/gateway.ts'
import { startTestServer } from '../../support/postgres.ts'
import t from '../../support/tap.ts'

const server = await startTestServer()
const url = await server.migratedDatabase()
const replicas = await startReplicas(url, 1)
t.teardown(async () => {
  await replicas.close()
  await server.stop()
})
const { services } = replicas.gateways[0]!
const database = await server.open(url)

/** A tenant with a node, two namespaces and a charged pod on a data plane that nobody answers for. */
async function stage(name: string) {
  const clusterId = await addCluster(replicas, `dp-${name}`)
  const made = await makeTenant(replicas, name, clusterId)
  const physical: string[] = []
  for (const namespace of ['default', 'shop']) {
    physical.push((await services.namespaces.ensure(made.nodeId, namespace)).physicalName)
  }
  const amounts = new Map([['pods', 1000n]])
  const pod = { id: randomUUID(), namespace: 'shop', physicalNamespace: physical[1]!, name: 'web', amounts }
  await services.quota.reserve({ ...made, ...pod, clusterId })
  await services.quota.commit(pod.id, { uid: 'u', amounts })
  await eventually(
    'the data plane is seen to be away',
    () => !services.upstreams.health(clusterId).reachable,
    60_000,
  )
  return { clusterId, physical: physical.sort(), ...made }
}
const remove = (path: string, mode?: string) =>
  replicas.operator('DELETE', `/v1/${path}${mode ? `?mode=${mode}` : ''}`)
const leftovers = async (clusterId: string) =>
  (
    await database.query<{ physical_name: string }>(
      'select physical_name from leftovers where cluster_id = $1 order by 1',
      [clusterId],
    )
  ).map((row) => row.physical_name)

t.test('a node goes by force while its data plane is away: free, told what is left, and noted', async (t) => {
  const { clusterId, physical, token } = await stage('acme')
  t.equal((await remove('nodes/acme%2Feast')).status, 409)
  t.equal((await remove('nodes/acme%2Feast', 'drain')).status, 202, 'a drain waits')
  const gone = await remove('nodes/acme%2Feast', 'force')
  t.equal(gone.status, 200)
  t.same(gone.json, { left: [{ node: 'acme/east', cluster: 'dp-acme', namespaces: physical, pods: 1 }] })
  t.equal((await replicas.operator('GET', '/v1/nodes/acme%2Feast')).status, 404)
  t.equal((await replicas.call('GET', '/v1/self', { token })).status, 401, 'its credential ended with it')
  const { json } = await replicas.operator('GET', '/v1/tenants/acme/quota')
  t.match(
    json.rows.find((row: { resource: string }) => row.resource === 'pods'),
    { used: '0', reserved: '0' },
  )
  t.same(await leftovers(clusterId), physical)
  t.equal((await remove('tenants/acme')).status, 204, 'nothing holds the tenant')
  t.same(await leftovers(clusterId), physical, 'still to be deleted when the data plane answers')
})

t.test('a tenant goes by force, too', async (t) => {
  const { clusterId, physical } = await stage('beta')
  const gone = await remove('tenants/beta', 'force')
  t.equal(gone.status, 200)
  t.same(gone.json.left[0].namespaces, physical)
  t.equal((await replicas.operator('GET', '/v1/tenants/beta')).status, 404)
  t.same(await leftovers(clusterId), physical)
})

t.test(
  'a data plane that never comes back is forgotten by force; the answer is all that remains',
  async (t) => {
    const { clusterId, physical } = await stage('gamma')
    const gone = await remove('clusters/dp-gamma', 'force')
    t.equal(gone.status, 200)
    t.same(gone.json.left, [{ node: 'gamma/east', cluster: 'dp-gamma', namespaces: physical, pods: 1 }])
    t.equal((await replicas.operator('GET', '/v1/clusters/dp-gamma')).status, 404)
    t.same(await leftovers(clusterId), [])
  },
)
