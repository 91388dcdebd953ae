import { eventually } from '../support/eventually.ts'
import t from '../support/tap.ts'
import { http } from '../support/world/http.ts'
import {
  carriedPods,
  create,
  isReady,
  podFor,
  readPod,
  STAY,
  untilNodeReady,
  untilPod,
} from '../support/world/workloads.ts'
import { openWorld, type TestNode, type World } from '../support/world/world.ts'

const NAMESPACE = 'default'

let world: World
let node: TestNode
let agent: Awaited<ReturnType<World['startAgent']>>

t.before(async () => {
  world = await openWorld({ userClusters: 1 })
  node = await world.addNode('restart', 'east')
  agent = await world.startAgent(node, world.userClusters[0]!)
  await untilNodeReady(world.userClusters[0]!, 'east')
})
t.teardown(() => world?.close())

const user = () => world.userClusters[0]!.admin
const pods = `/api/v1/namespaces/${NAMESPACE}/pods`

t.test('an agent killed and started again deletes nothing and doubles nothing', async (t) => {
  for (const name of ['one', 'two', 'three']) {
    await create(user(), NAMESPACE, 'pods', podFor(world, 'east', name, { script: STAY }))
  }
  for (const name of ['one', 'two', 'three'])
    await untilPod(user(), NAMESPACE, name, 'is Ready', isReady, 60_000)
  const identities = async () =>
    (await carriedPods(world.dataPlane)).map(({ metadata }) => `${metadata.name} ${metadata.uid}`).sort()
  const before = await identities()
  await agent.stop('SIGKILL')
  agent = await world.startAgent(node, world.userClusters[0]!)
  await create(user(), NAMESPACE, 'pods', podFor(world, 'east', 'four', { script: STAY }))
  await untilPod(user(), NAMESPACE, 'four', 'is Ready', isReady, 90_000)
  const after = await identities()
  t.same(
    after.filter((pod) => !pod.startsWith('four')),
    before,
  )
  t.equal(after.length, 4)
})

t.test(
  'what was deleted while the agent was away is finished when it is back, and nothing else',
  async (t) => {
    await agent.stop('SIGKILL')
    const deleted = await http(user(), { method: 'DELETE', path: `${pods}/one` })
    t.equal(deleted.status, 200)
    t.ok((await readPod(user(), NAMESPACE, 'one'))?.metadata.deletionTimestamp)
    agent = await world.startAgent(node, world.userClusters[0]!)
    await eventually(
      'pod one is gone on both sides',
      async () => {
        return (
          (await readPod(user(), NAMESPACE, 'one')) === undefined &&
          (await carriedPods(world.dataPlane, 'one')).length === 0
        )
      },
      60_000,
    )
    t.equal((await carriedPods(world.dataPlane)).length, 3)
  },
)

t.test('SIGTERM ends the agent with 0 and leaves its Node', async (t) => {
  t.equal(await agent.stop(), 0)
  t.equal((await http(user(), { path: '/api/v1/nodes/east' })).status, 200)
})
