import { eventually } from '../support/eventually.ts'
import t from '../support/tap.ts'
import { http, json } from '../support/world/http.ts'
import {
  carriedPods,
  create,
  isReady,
  podFor,
  removePod,
  STAY,
  untilNodeReady,
  untilPod,
} from '../support/world/workloads.ts'
import { openWorld, type TestNode, type World } from '../support/world/world.ts'

const NAMESPACE = 'default'
const HARD = {
  pods: '6',
  'requests.cpu': '4',
  'requests.memory': '4Gi',
  'limits.cpu': '2',
  'limits.memory': '4Gi',
}

let world: World
let node: TestNode

t.before(async () => {
  world = await openWorld({ userClusters: 1 })
  node = await world.addNode('quota', 'east', { quota: HARD })
  await world.startAgent(node, world.userClusters[0]!)
  await untilNodeReady(world.userClusters[0]!, 'east')
})
t.teardown(() => world?.close())

const user = () => world.userClusters[0]!.admin

interface QuotaReply {
  rows: { resource: string; hard: string; used: string; reserved: string }[]
}

const usedOf = async (resource: string) => {
  const quota = await json<QuotaReply>(world.operator(), { path: '/v1/tenants/quota/quota' })
  return quota.rows.find((row) => row.resource === resource)?.used
}

const limited = (cpu: string) => ({
  resources: { requests: { cpu: '50m', memory: '16Mi' }, limits: { cpu, memory: '32Mi' } },
})

t.test(
  'a pod over quota stays Pending, says why on the pod and in an Event, and is not carried',
  async (t) => {
    await create(
      user(),
      NAMESPACE,
      'pods',
      podFor(world, 'east', 'fits', { script: STAY, container: limited('1') }),
    )
    await untilPod(user(), NAMESPACE, 'fits', 'is Ready', isReady, 60_000)
    await create(
      user(),
      NAMESPACE,
      'pods',
      podFor(world, 'east', 'greedy', { script: STAY, container: limited('1500m') }),
    )
    const waiting = await untilPod(
      user(),
      NAMESPACE,
      'greedy',
      'waits for quota',
      ({ status }) =>
        status.conditions?.some(
          ({ type, reason }) => type === 'isthmus.dev/Carried' && reason === 'QuotaExceeded',
        ) === true,
    )
    t.equal(waiting.status.phase, 'Pending')
    const { message } = waiting.status.conditions?.find(({ type }) => type === 'isthmus.dev/Carried') ?? {}
    t.match(message, /limits\.cpu/)
    for (const amount of ['1500m', '1', '2']) t.match(message, amount)
    const events = await eventually('an Event', async () => {
      const path = `/api/v1/namespaces/${NAMESPACE}/events?fieldSelector=involvedObject.name%3Dgreedy`
      const list = await json<{ items: { reason: string; message: string }[] }>(user(), { path })
      return list.items.filter(({ reason }) => reason === 'QuotaExceeded').length > 0 && list.items
    })
    t.ok(events.length > 0)
    t.same(await carriedPods(world.dataPlane, 'greedy'), [])
    t.equal(await usedOf('limits.cpu'), '1')
  },
)

t.test('it runs when the quota is raised', async (t) => {
  const path = '/v1/tenants/quota/quota'
  const before = await http(world.operator(), { path })
  const etag = String(before.headers['etag'])
  await json(world.operator(), {
    method: 'PATCH',
    path,
    body: { hard: { 'limits.cpu': '3' } },
    headers: { 'if-match': etag },
  })
  const pod = await untilPod(user(), NAMESPACE, 'greedy', 'runs', isReady, 60_000)
  t.equal(pod.status.phase, 'Running')
  t.notOk(pod.status.reason, 'the reason is cleared')
  t.equal(await usedOf('limits.cpu'), '2500m')
})

t.test('a pod that is gone gives back what it held', async (t) => {
  await removePod(user(), NAMESPACE, 'greedy')
  await eventually('the ledger shows it', async () => (await usedOf('limits.cpu')) === '1')
  t.equal(await usedOf('pods'), '1')
})

t.test('a pod that has ended gives back what it held, though its object is still there', async (t) => {
  const options = { script: 'exit 0', container: limited('1'), spec: { restartPolicy: 'Never' } }
  await create(user(), NAMESPACE, 'pods', podFor(world, 'east', 'done', options))
  await untilPod(
    user(),
    NAMESPACE,
    'done',
    'has Succeeded',
    ({ status }) => status.phase === 'Succeeded',
    60_000,
  )
  t.ok(await eventually('the ledger shows it', async () => (await usedOf('limits.cpu')) === '1'))
  await removePod(user(), NAMESPACE, 'done')
})

t.test(
  'over quota on the Kubernetes face itself is 403 with resource, requested, used and hard',
  async (t) => {
    const client = await world.clientOf(node)
    await http(client, { method: 'POST', path: '/api/v1/namespaces', body: { metadata: { name: 'direct' } } })
    const body = {
      metadata: { name: 'big' },
      spec: { containers: [{ name: 'main', image: world.image, command: ['sh'], ...limited('10') }] },
    }
    const reply = await http(client, { method: 'POST', path: '/api/v1/namespaces/direct/pods', body })
    t.equal(reply.status, 403)
    const status = reply.json<{ kind: string; reason: string; message: string }>()
    t.equal(status.kind, 'Status')
    t.equal(status.reason, 'Forbidden')
    for (const part of ['limits.cpu', '10', '3']) t.match(status.message, part)
  },
)

t.test('50 parallel creates over both gateways with room for k: exactly k', async (t) => {
  const tight = await world.addNode('tight', 'tight', { quota: { pods: '7' } })
  const [one, two] = [
    await world.clientOf(tight, { gateway: 0 }),
    await world.clientOf(tight, { gateway: 1 }),
  ]
  await json(one, { method: 'POST', path: '/api/v1/namespaces', body: { metadata: { name: 'burst' } } })
  const spec = {
    containers: [{ name: 'main', image: world.image, command: ['sh', '-c', STAY] }],
    terminationGracePeriodSeconds: 1,
  }
  const replies = await Promise.all(
    Array.from({ length: 50 }, (_, index) =>
      http(index % 2 === 0 ? one : two, {
        method: 'POST',
        path: '/api/v1/namespaces/burst/pods',
        body: { metadata: { name: `p${index}` }, spec },
      }),
    ),
  )
  const count = (status: number) => replies.filter((reply) => reply.status === status).length
  t.equal(count(201), 7)
  t.equal(count(403), 43)
  const list = await json<{ items: unknown[] }>(two, { path: '/api/v1/namespaces/burst/pods' })
  t.equal(list.items.length, 7)
  await json(one, { method: 'DELETE', path: '/api/v1/namespaces/burst' })
})
