import { parseModules } from '../../src/agent/modules.ts'
import { eventually } from '../support/eventually.ts'
import t from '../support/tap.ts'
import { http } from '../support/world/http.ts'
import {
  create,
  isReady,
  podFor,
  removePod,
  STAY,
  untilNodeReady,
  untilPod,
} from '../support/world/workloads.ts'
import { openWorld, type World } from '../support/world/world.ts'

let world: World
t.before(async () => {
  world = await openWorld()
})
t.teardown(() => world?.close())

const cluster = () => world.userClusters[0]!
const user = () => cluster().admin

t.test('§1.8 modules: a list that names none, or one that there is not, is refused', async (t) => {
  t.throws(() => parseModules([]), /--modules/)
  t.throws(() => parseModules(['node', 'nodes']), /not nodes/)
})

t.test(
  '§1.8 modules: a process with the kubelet port alone serves logs and never writes; one without the port carries the pods',
  async (t) => {
    const node = await world.addNode('modules', 'north')
    const server = await world.startAgent(node, cluster(), { args: ['--modules', 'kubelet'] })
    const { kubeletPort } = server.ready as { kubeletPort: number }
    const carrier = await world.startAgent(node, cluster(), {
      args: ['--modules', 'node,pods,sync,tokens,events', '--kubelet-port', String(kubeletPort)],
    })
    await untilNodeReady(cluster(), 'north')
    await create(user(), 'default', 'pods', podFor(world, 'north', 'split', { script: `echo two; ${STAY}` }))
    await untilPod(user(), 'default', 'split', 'is Ready', isReady, 60_000)
    const log = await eventually('its log, by the other process', async () => {
      const reply = await http(user(), { path: '/api/v1/namespaces/default/pods/split/log' })
      return reply.status === 200 && reply.text
    })
    t.equal(log, 'two\n')
    const said = server
      .log()
      .split('\n')
      .filter((line) => line.includes(`"pid":${server.pid},`))
    t.notOk(said.some((line) => line.includes('the writer of this node')))
    await removePod(user(), 'default', 'split')
    t.equal(await carrier.stop('SIGTERM'), 0)
    t.equal(await server.stop('SIGTERM'), 0)
  },
)

t.test('§1.8 modules: without tokens a pod that mounts one waits and says so, others run', async (t) => {
  const node = await world.addNode('modules', 'centre')
  const agent = await world.startAgent(node, cluster(), { args: ['--modules', 'node,pods,sync,kubelet'] })
  await untilNodeReady(cluster(), 'centre')
  const without = podFor(world, 'centre', 'without', {
    script: STAY,
    spec: { automountServiceAccountToken: false },
  })
  await create(user(), 'default', 'pods', without)
  const mounting = podFor(world, 'centre', 'mounting', {
    script: STAY,
    spec: { automountServiceAccountToken: true },
  })
  await create(user(), 'default', 'pods', mounting)
  await untilPod(user(), 'default', 'without', 'is Ready', isReady, 60_000)
  await untilPod(
    user(),
    'default',
    'mounting',
    'says why',
    ({ status }) =>
      status.conditions?.some(
        ({ type, reason }) => type === 'isthmus.dev/Carried' && reason === 'TokensSwitchedOff',
      ) === true,
  )
  for (const name of ['without', 'mounting']) await removePod(user(), 'default', name)
  t.equal(await agent.stop('SIGTERM'), 0)
})
