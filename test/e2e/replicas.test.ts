import { hasKubernetesWorld } from '../kubernetes/harness/world.ts'
import { eventually } from '../support/eventually.ts'
import t from '../support/tap.ts'
import { type HttpTarget, http, json, readLines } from '../support/world/http.ts'
import { exec } from '../support/world/streams.ts'
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
/**
 * A reservation whose creator died is given back after 120 s, when two comparisons 15 s apart agree: a named wait on
 * real Kubernetes. On sandboxes both are shorter.
 */
const SHORT = { ISTHMUS_RESERVATION_AGE: '10s', ISTHMUS_RECONCILE_INTERVAL: '2s' }
const ORPHANED_MS = 200_000
t.setTimeout(400_000)

let world: World
let node: TestNode

t.before(async () => {
  world = await openWorld({ userClusters: 1, gatewayEnv: hasKubernetesWorld() ? {} : SHORT })
  node = await world.addNode('replicas', 'east')
  await world.startAgent(node, world.userClusters[0]!, { gateway: 0 })
  await untilNodeReady(world.userClusters[0]!, 'east')
  await create(
    user(),
    NAMESPACE,
    'pods',
    podFor(world, 'east', 'steady', {
      script: `i=0; while true; do i=$((i+1)); echo line $i; sleep 0.2; done`,
    }),
  )
  await untilPod(user(), NAMESPACE, 'steady', 'is Ready', isReady, 60_000)
})
t.teardown(() => world?.close())

const user = () => world.userClusters[0]!.admin
const log = `/api/v1/namespaces/${NAMESPACE}/pods/steady/log?follow=true`

/** Follows the log until the stream ends; resolves with how long it lived after `act`. */
async function livesOn(target: HttpTarget, act: () => Promise<unknown>): Promise<number> {
  let acted = 0
  await readLines(
    target,
    log,
    (lines) => {
      if (lines.length >= 3 && acted === 0) {
        acted = Date.now()
        void act()
      }
      return false
    },
    20_000,
  )
  return Date.now() - acted
}

t.test('both replicas show the same world', async (t) => {
  const [one, two] = [await world.clientOf(node, { gateway: 0 }), await world.clientOf(node, { gateway: 1 })]
  const names = async (target: HttpTarget) =>
    (await json<{ items: { metadata: { name: string } }[] }>(target, { path: '/api/v1/pods' })).items.map(
      ({ metadata }) => metadata.name,
    )
  t.same(await names(one), ['steady'])
  t.same(await names(two), ['steady'])
  const run = await exec(two, { namespace: NAMESPACE, pod: 'steady', command: ['sh', '-c', 'exit 5'] })
  t.equal(run.code, 5)
})

t.test('a token of one replica is good on the other', async (t) => {
  const one = await world.clientOf(node, { gateway: 0 })
  const reply = await http({ ...one, server: world.gateways[1]!.ready.publicUrl }, { path: '/api/v1/pods' })
  t.equal(reply.status, 200)
})

t.test('a revocation on one replica cuts streams on the other, and its token is refused there', async (t) => {
  const client = await world.clientOf(node, { gateway: 1 })
  const path = `/v1/credentials/${client.credentialId}`
  const lived = await livesOn(client, () => http(world.operator(0), { method: 'DELETE', path }))
  t.ok(lived < 2_000, `the stream ended ${lived} ms after the revocation`)
  await eventually(
    'the token is refused',
    async () => (await http(client, { path: '/api/v1/pods' })).status === 401,
  )
})

t.test('a session killed on one replica ends on the other', async (t) => {
  const client = await world.clientOf(node, { gateway: 1 })
  const lived = await livesOn(client, async () => {
    const list = await json<{ items: { id: string; credentialId: string }[] }>(world.operator(0), {
      path: '/v1/sessions',
    })
    const session = list.items.find(({ credentialId }) => credentialId === client.credentialId)
    await http(world.operator(0), { method: 'DELETE', path: `/v1/sessions/${session?.id}` })
  })
  t.ok(lived < 2_000, `the stream ended ${lived} ms after the kill`)
})

t.test('a replica killed between reserve and commit leaves a ledger equal to the data plane', async (t) => {
  const burst = await world.addNode('killed', 'killed', { quota: { pods: '100' } })
  const client = await world.clientOf(burst, { gateway: 1 })
  await json(client, { method: 'POST', path: '/api/v1/namespaces', body: { metadata: { name: 'burst' } } })
  const spec = {
    containers: [{ name: 'main', image: world.image, command: ['sh', '-c', STAY] }],
    terminationGracePeriodSeconds: 1,
  }
  const creates = Array.from({ length: 30 }, (_, index) =>
    http(client, {
      method: 'POST',
      path: '/api/v1/namespaces/burst/pods',
      body: { metadata: { name: `p${index}` }, spec },
    }).catch(() => undefined),
  )
  await Promise.race(creates)
  const { port } = new URL(world.gateways[1]!.ready.publicUrl)
  await world.gateways[1]!.stop('SIGKILL')
  await Promise.all(creates)
  world.gateways[1] = await world.startGateway('gateway-2-again', ['--port', port])
  await eventually(
    'the ledger equals the data plane',
    async () => {
      const there = (await carriedPods(world.dataPlane)).filter(({ metadata }) =>
        /^p\d+$/.test(metadata.name),
      ).length
      const quota = await json<{ rows: { resource: string; used: string; reserved: string }[] }>(
        world.operator(),
        { path: '/v1/tenants/killed/quota' },
      )
      const row = quota.rows.find(({ resource }) => resource === 'pods')
      if (row?.used === String(there) && row.reserved === '0') return true
      throw new Error(`data plane ${there}, ledger ${JSON.stringify(row)}`)
    },
    ORPHANED_MS,
  )
  t.pass('equal')
})

t.test(
  'the gateway that the agent speaks to is killed: the pod is untouched, and the agent comes back',
  async (t) => {
    const before = await readPod(user(), NAMESPACE, 'steady')
    const [carried] = await carriedPods(world.dataPlane, 'steady')
    const port = new URL(world.gateways[0]!.ready.publicUrl).port
    await world.gateways[0]!.stop('SIGKILL')
    await eventually(
      'the node says that it is not connected',
      async () => {
        const conditions = (
          await json<{ status: { conditions: { type: string; status: string }[] } }>(user(), {
            path: '/api/v1/nodes/east',
          })
        ).status.conditions
        const is = (type: string, status: string) =>
          conditions.some((condition) => condition.type === type && condition.status === status)
        return is('isthmus.dev/Connected', 'False') && is('NetworkUnavailable', 'True') && is('Ready', 'True')
      },
      40_000,
    )
    const during = await readPod(user(), NAMESPACE, 'steady')
    t.equal(during?.status.phase, 'Running')
    t.equal(during?.metadata.deletionTimestamp, undefined)
    world.gateways[0] = await world.startGateway('gateway-1-again', ['--port', port])
    await eventually(
      'the node is connected again',
      async () => {
        const conditions = (
          await json<{ status: { conditions: { type: string; status: string }[] } }>(user(), {
            path: '/api/v1/nodes/east',
          })
        ).status.conditions
        return conditions.some(({ type, status }) => type === 'isthmus.dev/Connected' && status === 'True')
      },
      40_000,
    )
    const after = await readPod(user(), NAMESPACE, 'steady')
    t.equal(after?.metadata.uid, before?.metadata.uid)
    t.equal((await carriedPods(world.dataPlane, 'steady'))[0]?.metadata.uid, carried?.metadata.uid)
    const reply = await eventually('exec works again', () =>
      exec(user(), { namespace: NAMESPACE, pod: 'steady', command: ['true'] }),
    )
    t.equal(reply.code, 0)
  },
)
