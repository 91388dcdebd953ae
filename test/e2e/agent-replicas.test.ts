import { eventually } from '../support/eventually.ts'
import t from '../support/tap.ts'
import { http, json } from '../support/world/http.ts'
import type { TestProcess } from '../support/world/process.ts'
import {
  carriedPods,
  create,
  isReady,
  podFor,
  readPod,
  removePod,
  STAY,
  untilNodeReady,
  untilPod,
} from '../support/world/workloads.ts'
import { openWorld, type TestNode, type World } from '../support/world/world.ts'

const NODE = 'north'
/** The writer's lease runs 15 s; what is left of it when the writer dies, and a moment to take it. */
const TAKEOVER_MS = 20_000

let world: World
let node: TestNode
let writer: TestProcess<unknown>
let second: TestProcess<unknown>

t.before(async () => {
  world = await openWorld()
  node = await world.addNode('replicas', NODE)
  writer = await world.startAgent(node, world.userClusters[0]!)
  await untilNodeReady(world.userClusters[0]!, NODE)
  second = await world.startAgent(node, world.userClusters[0]!, { gateway: 1 })
})
t.teardown(() => world?.close())

const user = () => world.userClusters[0]!.admin
const leasePath = `/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/${NODE}`
async function epoch(): Promise<number> {
  const lease = await json<{ metadata: { annotations: Record<string, string> } }>(user(), { path: leasePath })
  return Number(lease.metadata.annotations['agent.isthmus.dev/epoch'])
}

t.test('with two replicas one writes: a pod is carried once', async (t) => {
  await create(user(), 'default', 'pods', podFor(world, NODE, 'both', { script: `echo here; ${STAY}` }))
  await untilPod(user(), 'default', 'both', 'is Ready', isReady, 60_000)
  t.equal((await carriedPods(world.dataPlane, 'both')).length, 1)
})

t.test(
  'the other one takes over from a writer that was killed; no pod is deleted, doubled or restarted',
  async (t) => {
    const before = await readPod(user(), 'default', 'both')
    const old = await epoch()
    await writer.stop('SIGKILL')
    await eventually(
      'a higher epoch writes the Lease',
      async () => (await epoch()) > old,
      TAKEOVER_MS + 15_000,
    )
    await create(user(), 'default', 'pods', podFor(world, NODE, 'after', { script: STAY }))
    await untilPod(user(), 'default', 'after', 'is Ready', isReady, 60_000)
    const after = await readPod(user(), 'default', 'both')
    t.equal(after?.metadata.uid, before?.metadata.uid)
    t.notOk(after?.metadata.deletionTimestamp)
    t.equal(after?.status.containerStatuses?.[0]?.restartCount, 0)
    t.equal((await carriedPods(world.dataPlane, 'both')).length, 1)
    const log = await eventually('the new writer’s port answers', async () => {
      const reply = await http(user(), { path: '/api/v1/namespaces/default/pods/both/log' })
      return reply.status === 200 && reply.text
    })
    t.equal(log, 'here\n', 'the node’s port follows the writer')
  },
)

t.test('a writer that is told to end gives its lease back: the next one writes within seconds', async (t) => {
  const third = await world.startAgent(node, world.userClusters[0]!)
  const old = await epoch()
  const started = performance.now()
  t.equal(await second.stop('SIGTERM'), 0)
  await eventually('the next one writes', async () => (await epoch()) > old)
  t.ok(performance.now() - started < 12_000)
  await removePod(user(), 'default', 'both')
  await removePod(user(), 'default', 'after')
  t.equal(await third.stop('SIGTERM'), 0)
})
