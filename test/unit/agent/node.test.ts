import type { V1Node, V1Pod } from '@kubernetes/client-node'
import { nodeResources } from '../../../src/agent/node/allocatable.ts'
import { createNodeModule } from '../../../src/agent/node/index.ts'
import { createNodeLease, HigherEpochError } from '../../../src/agent/node/lease.ts'
import type { Connection } from '../../../src/agent/self/self-watch.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import { silentLogger } from '../../../src/lib/logger.ts'
import { NODE, selfOf } from '../../support/agent-harness.ts'
import { eventually } from '../../support/eventually.ts'
import { createFakeCluster, type FakeCluster, type Loose } from '../../support/fake-cluster.ts'
import t, { type Test } from '../../support/tap.ts'

const up: Connection = { connected: true, reason: 'Connected', message: '' }
const away: Connection = { connected: false, reason: 'GatewayUnreachable', message: 'no answer' }
const pod = (name: string, cpu: string, change: object = {}): V1Pod => ({
  metadata: { name, uid: name },
  spec: { containers: [{ name: 'a', resources: { requests: { cpu, memory: '1Gi' } } }] },
  status: { phase: 'Running' },
  ...change,
})
const row = (scope: 'tenant' | 'node', resource: string, hard: string, used: string) => ({
  scope,
  resource,
  hard,
  used,
})

t.test(
  'rule 24: allocatable is what is left plus what is carried or never will be; waiting pods hold their place',
  (t) => {
    const self = selfOf({
      quota: [
        row('tenant', 'requests.cpu', '4', '3'),
        row('node', 'requests.cpu', '8', '3'),
        row('tenant', 'requests.memory', 'unlimited', '3Gi'),
        row('tenant', 'pods', '10', '3'),
      ],
    })
    const standing = (each: V1Pod) => (each.metadata?.name === 'waiting' ? 'waiting' : 'held')
    const pods = [
      pod('a', '1'),
      pod('b', '2'),
      pod('impossible', '64'),
      pod('waiting', '2'),
      pod('done', '9', { status: { phase: 'Succeeded' } }),
    ]
    const { allocatable, capacity } = nodeResources(self, pods, standing)
    t.equal(allocatable['cpu'], '68', '1 left, 3 carried, 64 impossible; the waiting 2 are not added')
    t.equal(capacity['cpu'], '68', 'never less than allocatable')
    t.ok(
      Number(allocatable['pods']) >= 7 + 4 + 10,
      'slack in pods, or a critical DaemonSet pod evicts a tenant’s',
    )
    const none = nodeResources(selfOf({ quota: [row('tenant', 'requests.cpu', '2', '5')] }), [], standing)
    t.equal(none.allocatable['cpu'], '0', 'an over-committed quota leaves nothing, not less')
    t.end()
  },
)

t.test('rule 26: renewTime rises, whatever this machine’s clock says', async (t) => {
  const user = createFakeCluster()
  const node = user.seed('nodes', { metadata: { name: NODE } }) as V1Node
  const at = (ms: number, instance: string) =>
    createNodeLease({ user, nodeName: NODE, instance, clock: { ...systemClock, now: () => ms } })
  const ahead = at(Date.parse('2026-01-01T12:00:00.500Z'), 'one')
  await ahead.renew(node, 1)
  const first = user.get('leases', 'kube-node-lease', NODE).spec.renewTime
  t.equal(first, '2026-01-01T12:00:00.500000Z')
  const slow = at(Date.parse('2026-01-01T11:50:00Z'), 'two')
  await slow.renew(node, 2)
  await slow.renew(node, 2)
  const last = user.get('leases', 'kube-node-lease', NODE)
  t.equal(last.spec.renewTime, '2026-01-01T12:00:00.500002Z')
  t.equal(last.metadata.ownerReferences[0].uid, node.metadata?.uid)
  t.equal(last.spec.holderIdentity, NODE)
})

t.test('rule 27: whoever sees a higher epoch on the node’s Lease stands down', async (t) => {
  const user = createFakeCluster()
  const node = user.seed('nodes', { metadata: { name: NODE } }) as V1Node
  const make = (instance: string) => createNodeLease({ user, nodeName: NODE, instance, clock: systemClock })
  const old = make('old')
  await old.renew(node, 4)
  await make('new').renew(node, 5)
  await t.rejects(old.renew(node, 4), HigherEpochError)
  const rival = make('rival')
  const other = make('other')
  await Promise.all([rival.read(), other.read()])
  await rival.renew(node, 5)
  await t.rejects(
    other.renew(node, 5),
    HigherEpochError,
    'two that take over with one epoch: the slower one loses',
  )
})

interface Rig {
  user: FakeCluster
  events: { reason: string; message: string }[]
  state: { connection: Connection; epoch: number | undefined; now: number }
  touch(): void
}

function start(
  t: Test,
  options: { staticPeriodMs?: number | 'by-cluster'; user?: FakeCluster; taint?: boolean } = {},
): Rig {
  const user = options.user ?? createFakeCluster()
  const stopping = new AbortController()
  const events: Rig['events'] = []
  const state: Rig['state'] = { connection: up, epoch: 1, now: Date.parse('2026-01-01T12:00:00Z') }
  const module = createNodeModule({
    user,
    name: NODE,
    instance: 'one',
    self: { current: () => selfOf(), connection: () => state.connection },
    writer: {
      epoch: () => state.epoch,
      standDown: () => {
        state.epoch = undefined
      },
      takeOver: (epoch) => {
        state.epoch = epoch
      },
    },
    recorder: { event: (_target, _type, reason, message) => void events.push({ reason, message }) },
    identity: {
      internalIp: '192.0.2.10',
      kubeletPort: 10250,
      declaredFeatures: ['B', 'A', 'B'],
      taint: options.taint ?? true,
    },
    staticPeriodMs: options.staticPeriodMs === 'by-cluster' ? undefined : (options.staticPeriodMs ?? 900_000),
    pods: () => [],
    standingOf: () => 'held',
    clock: { ...systemClock, now: () => state.now },
    logger: silentLogger,
    signal: stopping.signal,
  })
  const running = module.run()
  t.teardown(async () => {
    stopping.abort(new Error('stop'))
    await running
    await user.close()
  })
  return { user, events, state, touch: () => module.touch() }
}

const condition = (node: Loose, type: string) =>
  node?.status?.conditions?.find((each: Loose) => each.type === type)
const nodeOf = (rig: Rig) => rig.user.get('nodes', undefined, NODE)
const registered = (rig: Rig) =>
  eventually('the Node is there', () => condition(nodeOf(rig), 'Ready') && nodeOf(rig))

t.test(
  'the Node is registered with taint, labels, InternalIP, port, features sorted and once, and a Lease',
  async (t) => {
    const rig = start(t)
    const node = await registered(rig)
    t.same(node.spec.taints, [{ key: 'isthmus.dev/virtual-node', value: NODE, effect: 'NoSchedule' }])
    t.equal(node.metadata.labels.type, 'virtual-kubelet')
    t.equal(node.metadata.labels['isthmus.dev/virtual-node'], NODE)
    t.notOk(Object.keys(node.metadata.labels).some((key) => key.startsWith('kubernetes.io/role')))
    t.same(node.status.addresses, [{ type: 'InternalIP', address: '192.0.2.10' }])
    t.equal(node.status.daemonEndpoints.kubeletEndpoint.Port, 10250)
    t.same(node.status.declaredFeatures, ['A', 'B'])
    t.equal(node.status.nodeInfo.kubeletVersion, 'v1.36.3')
    t.equal(node.status.capacity.cpu, '8')
    t.equal(condition(node, 'Ready').status, 'True')
    t.equal(condition(node, 'NetworkUnavailable').status, 'False')
    t.ok(rig.user.get('leases', 'kube-node-lease', NODE))
  },
)

t.test('a Node that is to have no taint is made without, and takes pods all the same', async (t) => {
  const rig = start(t, { taint: false })
  const node = await registered(rig)
  t.notOk(node.spec.taints)
  t.equal(condition(node, 'NetworkUnavailable').status, 'False')
  rig.touch()
  await eventually('another round', () => rig.user.requests.some(({ line }) => line.startsWith('PUT leases')))
  t.same(rig.events, [])
})

t.test(
  'rule 43: controller-managed-attach-detach is never set, or real volumes would be attached',
  async (t) => {
    const rig = start(t)
    await registered(rig)
    rig.state.now += 61_000
    rig.touch()
    await eventually('the Lease is renewed', () =>
      rig.user.requests.some(({ line }) => line.startsWith('PUT leases')),
    )
    t.notMatch(JSON.stringify(rig.user.requests), /attach-detach/)
    t.notOk(nodeOf(rig).metadata.annotations)
  },
)

t.test('foreign conditions, taints and labels survive, and what is level is not written again', async (t) => {
  const rig = start(t)
  await registered(rig)
  rig.user.update('nodes', undefined, NODE, (node) => {
    node.status.conditions.push({ type: 'Foreign', status: 'True' })
    node.metadata.labels['theirs'] = 'yes'
    node.spec.taints.push({ key: 'theirs', effect: 'NoExecute' })
  })
  rig.state.now += 61_000
  rig.touch()
  await eventually(
    'the heartbeat is renewed',
    () => condition(nodeOf(rig), 'Ready').lastHeartbeatTime === '2026-01-01T12:01:01Z',
  )
  t.equal(condition(nodeOf(rig), 'Foreign').status, 'True')
  t.equal(nodeOf(rig).metadata.labels['theirs'], 'yes')
  t.equal(nodeOf(rig).spec.taints.length, 2)
  const patches = () => rig.user.requests.filter(({ line }) => line === `PATCH nodes/${NODE}/status`).length
  const leases = () => rig.user.requests.filter(({ line }) => line.startsWith('PUT leases')).length
  const before = [patches(), leases()] as const
  rig.touch()
  await eventually('another round', () => leases() > before[1])
  t.equal(patches(), before[0])
})

t.test(
  'rule 25: while the gateway is away the Node stays Ready and closed for the static period, then lapses',
  async (t) => {
    const rig = start(t, { staticPeriodMs: 900_000 })
    await registered(rig)
    rig.state.connection = away
    rig.touch()
    await eventually(
      'the condition says so',
      () => condition(nodeOf(rig), 'isthmus.dev/Connected').status === 'False',
    )
    t.match(condition(nodeOf(rig), 'isthmus.dev/Connected'), {
      reason: 'GatewayUnreachable',
      message: 'no answer',
    })
    t.equal(condition(nodeOf(rig), 'NetworkUnavailable').status, 'True')
    t.equal(condition(nodeOf(rig), 'Ready').status, 'True')
    t.equal(nodeOf(rig).status.allocatable.cpu, '8', 'room is not what keeps pods off')
    const leases = () => rig.user.requests.filter(({ line }) => line.startsWith('PUT leases')).length
    rig.state.now += 800_000
    const before = leases()
    rig.touch()
    await eventually('renewed within the period', () => leases() > before)
    rig.state.now += 200_000
    const gets = () => rig.user.requests.filter(({ line }) => line === `GET nodes/${NODE}`).length
    const [rounds, renewed] = [gets(), leases()]
    rig.touch()
    await eventually('another round', () => gets() > rounds)
    rig.touch()
    await eventually('and one more', () => gets() > rounds + 1)
    t.equal(leases(), renewed, 'lapsed: the user’s tolerations decide')
    rig.state.connection = up
    rig.touch()
    await eventually(
      'back',
      () => condition(nodeOf(rig), 'NetworkUnavailable').status === 'False' && leases() > renewed,
    )
  },
)

/** Ten days of an outage, and whether the Lease is renewed in the end. */
async function outlasts(
  t: Test,
  answers: (user: string) => boolean,
  change: (node: Loose) => void = () => {},
) {
  const user = createFakeCluster()
  user.intercept = (line, { body }) => {
    if (line.startsWith('GET version')) return { gitVersion: 'v1.36.3' }
    if (!line.startsWith('POST subjectaccessreviews')) return undefined
    return { status: { allowed: answers((body as Loose).spec.user) } }
  }
  const rig = start(t, { staticPeriodMs: 'by-cluster', user })
  await registered(rig)
  user.update('nodes', undefined, NODE, change)
  rig.state.connection = away
  rig.touch()
  await eventually(
    'the condition says so',
    () => condition(nodeOf(rig), 'isthmus.dev/Connected').status === 'False',
  )
  rig.state.now += 10 * 24 * 3600_000
  const leases = () => user.requests.filter(({ line }) => line.startsWith('PUT leases')).length
  const gets = () => user.requests.filter(({ line }) => line === `GET nodes/${NODE}`).length
  const [before, rounds] = [leases(), gets()]
  for (const more of [1, 2]) {
    rig.touch()
    await eventually('another round', () => gets() >= rounds + more)
  }
  rig.touch()
  await eventually('the last round has ended', () => gets() > rounds + 2)
  return { renewed: leases() > before, events: rig.events }
}

t.test(
  'rule 28: where a cloud controller deletes Nodes that are not Ready, the Node stays Ready for ever; elsewhere 15 minutes',
  async (t) => {
    const plain = await outlasts(t, () => false)
    t.notOk(plain.renewed, 'no cloud: it lapses')
    const name = 'system:serviceaccount:kube-system:cloud-controller-manager'
    const byRight = await outlasts(t, (user) => user === name)
    t.ok(byRight.renewed, 'a cloud controller that may delete Nodes')
    t.match(
      byRight.events.find(({ reason }) => reason === 'StaticPeriodExtended')?.message,
      /cloud-controller-manager may delete Nodes.*--static-period/,
    )
    const byNode = await outlasts(
      t,
      () => false,
      (node) => {
        node.spec.providerID = 'cloud://zone/instance'
      },
    )
    t.ok(byNode.renewed, 'a providerID that somebody has set')
  },
)

t.test('rule 25: a restart during the outage counts from the condition’s own time', async (t) => {
  const user = createFakeCluster()
  user.seed('nodes', {
    metadata: { name: NODE },
    status: {
      conditions: [
        { type: 'isthmus.dev/Connected', status: 'False', lastTransitionTime: '2026-01-01T11:40:00Z' },
      ],
    },
  })
  const rig = start(t, { user })
  rig.state.connection = away
  const gets = () => user.requests.filter(({ line }) => line === `GET nodes/${NODE}`).length
  const before = gets()
  rig.touch()
  await eventually('a round', () => gets() > before)
  rig.touch()
  await eventually('and one more', () => gets() > before + 1)
  t.notOk(user.requests.some(({ line }) => line.includes('leases')))
})

t.test('rule 29: a Node deleted under the agent is made anew, cordoned, with an Event', async (t) => {
  const rig = start(t)
  await registered(rig)
  t.notOk(nodeOf(rig).spec.unschedulable)
  rig.user.drop('nodes', undefined, NODE)
  rig.user.drop('leases', 'kube-node-lease', NODE)
  rig.touch()
  const node = await registered(rig)
  t.equal(node.spec.unschedulable, true)
  t.match(rig.events, [{ reason: 'NodeRecreated', message: /kubectl uncordon/ }])
  await eventually(
    'with a new lease',
    () =>
      rig.user.get('leases', 'kube-node-lease', NODE)?.metadata.ownerReferences[0].uid === node.metadata.uid,
  )
})

t.test(
  'rule 29: an adopted Node without the taint is closed, the user is told how, and no taint is ever sent',
  async (t) => {
    const user = createFakeCluster()
    user.seed('nodes', { metadata: { name: NODE, labels: { theirs: 'yes' } }, spec: {} })
    const rig = start(t, { user })
    const node = await registered(rig)
    t.match(condition(node, 'NetworkUnavailable'), { status: 'True', reason: 'TaintMissing' })
    t.match(rig.events, [
      {
        reason: 'TaintMissing',
        message: /kubectl taint node virtual-1 isthmus.dev\/virtual-node=virtual-1:NoSchedule/,
      },
    ])
    t.equal(node.metadata.labels.theirs, 'yes')
    t.equal(node.metadata.labels.type, 'virtual-kubelet')
    t.notOk(
      user.requests.some(
        ({ line, body }) => !line.startsWith('POST') && JSON.stringify(body ?? {}).includes('taints'),
      ),
    )
  },
)

t.test('a replica that is not the writer writes nothing', async (t) => {
  const user = createFakeCluster()
  const rig = start(t, { user })
  await registered(rig)
  rig.state.epoch = undefined
  const before = user.requests.length
  rig.state.connection = { ...away }
  rig.touch()
  await eventually('it reads the Lease', () =>
    user.requests.slice(before).some(({ line }) => line.startsWith('GET leases')),
  )
  t.same(
    user.requests.slice(before).filter(({ line }) => !line.startsWith('GET')),
    [],
  )
})
