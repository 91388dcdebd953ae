import type { V1Node } from '@kubernetes/client-node'
import { eventually } from '../support/eventually.ts'
import t from '../support/tap.ts'
import { json } from '../support/world/http.ts'
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
import { openWorld, type World } from '../support/world/world.ts'

const NODE = 'centre'
let world: World

t.before(async () => {
  world = await openWorld()
  const node = await world.addNode('outage', NODE)
  await world.startAgent(node, world.userClusters[0]!)
  await untilNodeReady(world.userClusters[0]!, NODE)
})
t.teardown(() => world?.close())

const user = () => world.userClusters[0]!.admin
async function condition(type: string): Promise<string | undefined> {
  const node = await json<V1Node>(user(), { path: `/api/v1/nodes/${NODE}` })
  return node.status?.conditions?.find((each) => each.type === type)?.status
}

t.test(
  'an outage of the gateway evicts nobody: the Node stays Ready, closed to new pods, and says why',
  async (t) => {
    await create(user(), 'default', 'pods', podFor(world, NODE, 'stays', { script: STAY }))
    await create(user(), 'default', 'pods', podFor(world, NODE, 'goes', { script: STAY }))
    const before = await untilPod(user(), 'default', 'stays', 'is Ready', isReady, 60_000)
    await untilPod(user(), 'default', 'goes', 'is Ready', isReady, 60_000)
    const [gateway] = world.gateways
    const { port } = new URL(gateway!.ready.publicUrl)
    await gateway!.stop('SIGKILL')
    await eventually(
      'the condition says so',
      async () => (await condition('isthmus.dev/Connected')) === 'False',
      30_000,
    )
    t.equal(await condition('NetworkUnavailable'), 'True')
    t.equal(await condition('Ready'), 'True')
    const during = await readPod(user(), 'default', 'stays')
    t.same(during?.status, before.status, 'its last status stays')
    await json(user(), { method: 'DELETE', path: '/api/v1/namespaces/default/pods/goes' })
    t.ok((await readPod(user(), 'default', 'goes'))?.metadata.deletionTimestamp, 'Terminating, not gone')

    world.gateways[0] = await world.startGateway('gateway-1-again', ['--port', port])
    await eventually(
      'connected again',
      async () => (await condition('isthmus.dev/Connected')) === 'True',
      30_000,
    )
    await eventually('open again', async () => (await condition('NetworkUnavailable')) === 'False', 30_000)
    await eventually(
      'what was deleted meanwhile is finished',
      async () => (await readPod(user(), 'default', 'goes')) === undefined,
      60_000,
    )
    t.same(await carriedPods(world.dataPlane, 'goes'), [])
    const after = await readPod(user(), 'default', 'stays')
    t.equal(after?.metadata.uid, before.metadata.uid)
    t.equal(after?.status.containerStatuses?.[0]?.restartCount, 0)
    t.equal((await carriedPods(world.dataPlane, 'stays')).length, 1, 'nothing doubled')
    await removePod(user(), 'default', 'stays')
  },
)
