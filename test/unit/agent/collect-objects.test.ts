import type { V1Pod } from '@kubernetes/client-node'
import { createObjectCollector } from '../../../src/agent/sync/collect-objects.ts'
import { silentLogger } from '../../../src/lib/logger.ts'
import { NODE, userPod } from '../../support/agent-harness.ts'
import { createFakeCluster, type Loose } from '../../support/fake-cluster.ts'
import { createManualClock } from '../../support/manual-clock.ts'
import t from '../../support/tap.ts'

function rig(users: V1Pod[], carriers: V1Pod[] = []) {
  const clock = createManualClock()
  const gateway = createFakeCluster()
  const dropped: string[] = []
  gateway.seed('namespaces', {
    metadata: { name: 'default', annotations: { 'agent.isthmus.dev/made-by': NODE } },
  })
  gateway.seed('namespaces', { metadata: { name: 'theirs' } })
  const annotations = { 'agent.isthmus.dev/uid': 'x' }
  for (const [resource, name] of [
    ['secrets', 'keys'],
    ['secrets', 'left-behind'],
    ['secrets', 'isthmus.token-uid-a'],
    ['secrets', 'isthmus.token-uid-gone'],
    ['configmaps', 'isthmus.service-env'],
  ] as const) {
    gateway.seed(resource, { metadata: { name, namespace: 'default', annotations } })
  }
  gateway.seed('secrets', { metadata: { name: 'of-a-client', namespace: 'default' } })
  gateway.seed('secrets', { metadata: { name: 'left-behind', namespace: 'theirs', annotations } })
  const pass = createObjectCollector(
    { gateway, nodeName: NODE, clock, logger: silentLogger },
    {
      objects: { has: () => false, drop: ({ namespace, name }) => void dropped.push(`${namespace}/${name}`) },
      users: {
        values: () => users.values(),
        get: (uid) => users.find(({ metadata }) => metadata?.uid === uid),
      },
      carriers: { values: () => carriers.values() },
    },
  )
  return { pass, dropped, advance: (ms: number) => clock.advance(ms) }
}

const pod = userPod('a', (each: Loose) => {
  each.metadata.uid = 'uid-a'
  each.spec.volumes = [{ name: 's', secret: { secretName: 'keys' } }]
})

t.test(
  'what an agent that died left behind goes after two passes; what a pod’s spec names stays, known or not',
  async (t) => {
    const { pass, dropped, advance } = rig([pod])
    await pass()
    t.same(dropped, [])
    advance(60_000)
    await pass()
    t.same(dropped.sort(), ['default/isthmus.token-uid-gone', 'default/left-behind'])
  },
)

t.test('nothing goes from a namespace with a carried pod whose user pod is not known', async (t) => {
  const orphan = userPod('b', (each: Loose) => {
    each.metadata.annotations = { 'agent.isthmus.dev/uid': 'uid-b' }
  })
  const { pass, dropped, advance } = rig([pod], [orphan])
  await pass()
  advance(60_000)
  await pass()
  t.same(dropped, [])
})
