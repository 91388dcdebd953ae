import type { V1Node } from '@kubernetes/client-node'
import { eventually } from '../support/eventually.ts'
import t from '../support/tap.ts'
import { http, json } from '../support/world/http.ts'
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
/** What the node lifecycle controller makes of NetworkUnavailable; until then a scheduler may still bind. */
const CLOSED = 'node.kubernetes.io/network-unavailable'
let world: World

t.before(async () => {
  world = await openWorld({ userClusters: 1 })
  const node = await world.addNode('outage', NODE)
  await world.startAgent(node, world.userClusters[0]!, { gateway: 0 })
  await untilNodeReady(world.userClusters[0]!, NODE)
  const body = {
    apiVersion: 'scheduling.k8s.io/v1',
    kind: 'PriorityClass',
    metadata: { name: 'urgent-of-outage' },
    value: 1_000_000,
  }
  await http(user(), { method: 'POST', path: '/apis/scheduling.k8s.io/v1/priorityclasses', body })
})
t.teardown(() => world?.close())

const user = () => world.userClusters[0]!.admin
async function condition(type: string): Promise<string | undefined> {
  const node = await json<V1Node>(user(), { path: `/api/v1/nodes/${NODE}` })
  return node.status?.conditions?.find((each) => each.type === type)?.status
}

async function taints(): Promise<string[]> {
  const node = await json<V1Node>(user(), { path: `/api/v1/nodes/${NODE}` })
  return (node.spec?.taints ?? []).map(({ key }) => key)
}

/** Wants the whole node and has the priority to get it. */
function urgentPod(): object {
  const container = { resources: { requests: { cpu: '16' } } }
  const spec = { priorityClassName: 'urgent-of-outage' }
  return podFor(world, NODE, 'urgent', { script: STAY, container, spec })
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
    await eventually(
      'the cluster has made a taint of it',
      async () => (await taints()).includes(CLOSED),
      30_000,
    )
    await create(user(), 'default', 'pods', urgentPod())
    await untilPod(
      user(),
      'default',
      'urgent',
      'is not scheduled',
      ({ status }) =>
        status.conditions?.some(
          ({ type, reason }) => type === 'PodScheduled' && reason === 'Unschedulable',
        ) === true,
    )
    const during = await readPod(user(), 'default', 'stays')
    t.same(during?.status, before.status, 'its last status stays')
    t.notOk(during?.metadata.deletionTimestamp, 'a high-priority pod evicts nobody (rule 25)')
    await removePod(user(), 'default', 'urgent')
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
