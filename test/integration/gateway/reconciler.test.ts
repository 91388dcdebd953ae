import { randomUUID } from 'node:crypto'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { sealCredential } from '../../../src/gateway/clusters/index.ts'
import { createKubeClient } from '../../../src/kube/client/index.ts'
import { silentLogger } from '../../../src/lib/logger.ts'
import { startSandbox } from '../../../src/sandbox/index.ts'
import { eventually } from '../../support/eventually.ts'
import { makeTenant, startReplicas } from '../../support/gateway.ts'
import { startTestServer } from '../../support/postgres.ts'
import t from '../../support/tap.ts'

const server = await startTestServer()
const folder = mkdtempSync(path.join(tmpdir(), 'isthmus-reconciler-'))
chmodSync(folder, 0o711)
const dataPlane = await startSandbox({
  role: 'data-plane',
  dir: folder,
  port: 0,
  logger: silentLogger,
  authorization: 'none',
  path: process.env['PATH'],
})
const target = { server: dataPlane.server, ca: dataPlane.ca, token: dataPlane.adminToken }
const kube = createKubeClient(target)
const databaseUrl = await server.migratedDatabase()
const replicas = await startReplicas(databaseUrl, 2)
t.teardown(async () => {
  await replicas.close()
  await kube.close()
  await dataPlane.close()
  await server.stop()
  rmSync(folder, { recursive: true, force: true })
})
const { services } = replicas.gateways[0]!
const clusterId = randomUUID()
await services.clusters.create(clusterId, {
  name: 'dp',
  server: target.server,
  ca: target.ca,
  tlsServerName: undefined,
  network: 'isolated',
  kubernetesVersion: '',
  sealedCredential: sealCredential(services.sealer, clusterId, { token: target.token }),
})
const made = await makeTenant(replicas, 'acme', clusterId)
const namespace = await services.namespaces.ensure(made.nodeId, 'default')
const ns = namespace.physicalName
const labels = { 'isthmus.dev/tenant': made.tenantId, 'isthmus.dev/node': made.nodeId }
await kube.json({
  method: 'POST',
  path: ['api', 'v1', 'namespaces'],
  body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: ns, labels } },
})
await eventually('the default ServiceAccount', () =>
  kube.json({ method: 'GET', path: ['api', 'v1', 'namespaces', ns, 'serviceaccounts', 'default'] }),
)

const pods = ['api', 'v1', 'namespaces', ns, 'pods']
function pod(name: string, reservation: string, command: string[]) {
  const containers = [{ name: 'c', image: 'busybox', command, resources: { requests: { cpu: '10m' } } }]
  const spec = {
    restartPolicy: 'Never',
    containers,
    automountServiceAccountToken: false,
    terminationGracePeriodSeconds: 1,
  }
  const metadata = { name, labels: { ...labels, 'isthmus.dev/reservation': reservation } }
  return { apiVersion: 'v1', kind: 'Pod', metadata, spec }
}
const create = (name: string, reservation: string, command: string[]) =>
  kube.json<{ metadata: { uid: string } }>({
    method: 'POST',
    path: pods,
    body: pod(name, reservation, command),
  })
const amounts = new Map([
  ['pods', 1000n],
  ['requests.cpu', 10n],
])
async function reserve(name: string): Promise<string> {
  const id = randomUUID()
  const place = { namespace: 'default', physicalNamespace: ns, name }
  await services.quota.reserve({ id, ...made, clusterId, ...place, amounts })
  return id
}
async function used(): Promise<string> {
  const { json } = await replicas.operator('GET', '/v1/tenants/acme/quota')
  const row = json.rows.find((each: { resource: string }) => each.resource === 'pods')
  return `${row.used}+${row.reserved}`
}

t.test('one replica of two looks after the data plane', async (t) => {
  const looking = () => replicas.gateways.map(({ services: each }) => each.reconciler.clusters().length)
  await eventually('somebody does', () => looking().includes(1))
  t.equal(looking()[0]! + looking()[1]!, 1)
})

t.test('quota is free as soon as a pod has finished or is gone', async (t) => {
  const short = await reserve('short')
  const { metadata } = await create('short', short, ['sh', '-c', 'exit 0'])
  await services.quota.commit(short, { uid: metadata.uid, amounts })
  await eventually('finished and free', async () => (await used()) === '0+0')

  const long = await reserve('long')
  await services.quota.commit(long, {
    uid: (await create('long', long, ['sleep', '600'])).metadata.uid,
    amounts,
  })
  t.equal(await used(), '1+0')
  await kube.json({ method: 'DELETE', path: [...pods, 'long'] })
  await eventually('gone and free', async () => (await used()) === '0+0')
})

t.test(
  'F3: what a crash left between create and commit, or never charged, is repaired from the data plane',
  async (t) => {
    const uncommitted = await reserve('uncommitted')
    await create('uncommitted', uncommitted, ['sleep', '600'])
    await create('uncharged', randomUUID(), ['sleep', '600'])
    const leaked = await reserve('leaked')
    await services.quota.commit(leaked, { uid: 'never-was', amounts })
    await eventually('ledger equal to the data plane', async () => (await used()) === '2+0', 90_000)
    const metrics = await replicas.operator('GET', '/metrics', {
      replica: replicas.gateways.findIndex((g) => g.services.reconciler.clusters().length > 0),
    })
    t.match(metrics.text, /isthmus_quota_repairs_total\{kind="leaked"\} 1/)
    t.match(metrics.text, /isthmus_quota_repairs_total\{kind="uncharged"\} 1/)
    t.match(metrics.text, /isthmus_quota_repairs_total\{kind="uncommitted"\} 1/)
  },
)

t.test('what a forced removal left behind is deleted once the data plane answers', async (t) => {
  const { physicalName } = await services.namespaces.ensure(made.nodeId, 'left')
  await kube.json({
    method: 'POST',
    path: ['api', 'v1', 'namespaces'],
    body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: physicalName } },
  })
  const database = await server.open(databaseUrl)
  await database.query(
    `with gone as (delete from namespaces where physical_name = $1 returning physical_name)
     insert into leftovers (physical_name, cluster_id, node) select physical_name, $2, 'acme/west' from gone`,
    [physicalName, clusterId],
  )
  await eventually(
    'forgotten',
    async () => (await database.query('select 1 from leftovers')).length === 0,
    60_000,
  )
  await t.rejects(kube.json({ method: 'GET', path: ['api', 'v1', 'namespaces', physicalName] }), {
    code: 404,
  })
})

t.test('a node deleted with force takes its namespaces, pods and quota along, then it is gone', async (t) => {
  t.equal((await replicas.operator('DELETE', '/v1/nodes/acme%2Feast?mode=force')).status, 202)
  await eventually(
    'gone',
    async () => (await replicas.operator('GET', '/v1/nodes/acme%2Feast')).status === 404,
    90_000,
  )
  const left = await kube.json<{ items: unknown[] }>({ method: 'GET', path: ['api', 'v1', 'pods'] })
  t.same(left.items, [])
  t.equal(await used(), '0+0')
  t.equal((await replicas.operator('DELETE', '/v1/clusters/dp')).status, 204)
})
