import { systemClock } from '../../../src/lib/clock.ts'
import { silentLogger } from '../../../src/lib/logger.ts'
import { startNodeLifecycle, startScheduler } from '../../../src/sandbox/scheduler/index.ts'
import type { Node, Pod } from '../../../src/sandbox/scheduler/types.ts'
import type { KubeObject } from '../../../src/sandbox/store/index.ts'
import { eventually } from '../../support/eventually.ts'
import { makeSandboxStore } from '../../support/sandbox-runtime.ts'
import t from '../../support/tap.ts'

interface Event extends KubeObject {
  reason: string
  message: string
}

function makeCluster(t: { teardown(fn: () => void): void }, graceMs = 60_000) {
  const store = makeSandboxStore()
  const options = { store, clock: systemClock, logger: silentLogger }
  t.teardown(startScheduler(options))
  t.teardown(startNodeLifecycle({ ...options, graceMs, orphanMs: 100 }))
  const addNode = (name: string, rest: Record<string, unknown> = {}) =>
    store.create('nodes', {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name, labels: { name } },
      spec: {},
      status: {
        allocatable: { cpu: '1', memory: '1Gi', pods: '10' },
        conditions: [{ type: 'Ready', status: 'True' }],
      },
      ...rest,
    })
  const addPod = (name: string, cpu: string, spec: Record<string, unknown> = {}) =>
    store.create('pods', {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { namespace: 'default', name },
      spec: { containers: [{ name: 'main', resources: { requests: { cpu } } }], ...spec },
      status: { phase: 'Pending' },
    })
  const getPod = (name: string) => store.get<Pod>('pods', { namespace: 'default', name })
  const getNode = (name: string) => store.get<Node>('nodes', { name })
  const bound = (name: string, node: string) =>
    eventually(`${name} on ${node}`, () => getPod(name)?.spec.nodeName === node)
  const events = (reason: string) =>
    store.list<Event>('events').items.filter((event) => event.reason === reason)
  return { store, addNode, addPod, getPod, getNode, bound, events }
}

t.test('a pod waits with the reason until a node has room, highest priority first', async (t) => {
  const cluster = makeCluster(t)
  cluster.addNode('n1')
  cluster.addPod('first', '800m')
  await cluster.bound('first', 'n1')
  cluster.addPod('low', '700m')
  cluster.addPod('high', '700m', { priority: 10 })
  const condition = await eventually('the reason', () =>
    cluster.getPod('high')?.status?.conditions?.find(({ type }) => type === 'PodScheduled'),
  )
  t.match(condition, {
    status: 'False',
    reason: 'Unschedulable',
    message: /^0\/1 nodes are available: 1 Insufficient cpu\./,
  })
  t.match(cluster.events('FailedScheduling')[0]?.message, /^0\/1 nodes are available/)
  cluster.store.delete('pods', { namespace: 'default', name: 'first' }, { gracePeriodSeconds: 0 })
  await cluster.bound('high', 'n1')
  t.equal(cluster.getPod('low')?.spec.nodeName, undefined)
  cluster.addNode('n2')
  await cluster.bound('low', 'n2')
  t.equal(cluster.events('Scheduled').length, 3)
  t.match(cluster.getPod('low')?.status?.conditions, [{ type: 'PodScheduled', status: 'True' }])
})

t.test('scheduling gates hold a pod, other schedulers keep theirs', async (t) => {
  const cluster = makeCluster(t)
  cluster.addPod('gated', '0', { schedulingGates: [{ name: 'example.com/wait' }] })
  cluster.addPod('foreign', '0', { schedulerName: 'mine' })
  cluster.addNode('n1')
  await eventually(
    'the gate is told',
    () => cluster.getPod('gated')?.status?.conditions?.[0]?.reason === 'SchedulingGated',
  )
  cluster.store.mutate<Pod>('pods', { namespace: 'default', name: 'gated' }, (pod) => {
    pod.spec.schedulingGates = []
  })
  await cluster.bound('gated', 'n1')
  t.equal(cluster.getPod('foreign')?.spec.nodeName, undefined)
})

t.test('pods spread over nodes with room', async (t) => {
  const cluster = makeCluster(t)
  cluster.addNode('n1')
  cluster.addNode('n2')
  for (const name of ['a', 'b', 'c', 'd']) cluster.addPod(name, '300m')
  await eventually('all are bound', () =>
    ['a', 'b', 'c', 'd'].every((name) => cluster.getPod(name)?.spec.nodeName),
  )
  const on = (node: string) =>
    ['a', 'b', 'c', 'd'].filter((name) => cluster.getPod(name)?.spec.nodeName === node).length
  t.same([on('n1'), on('n2')], [2, 2])
})

t.test('NetworkUnavailable keeps new pods off and leaves those there', async (t) => {
  const cluster = makeCluster(t)
  cluster.addNode('n1')
  cluster.addPod('there', '0')
  await cluster.bound('there', 'n1')
  const conditions = [
    { type: 'Ready', status: 'True' },
    { type: 'NetworkUnavailable', status: 'True' },
  ]
  cluster.store.patchStatus('nodes', { name: 'n1' }, { conditions })
  await eventually('the taint', () => cluster.getNode('n1')?.spec?.taints?.length === 1)
  cluster.addPod('new', '0')
  await eventually(
    'it waits',
    () => cluster.getPod('new')?.status?.conditions?.[0]?.reason === 'Unschedulable',
  )
  t.equal(cluster.getPod('there')?.metadata.deletionTimestamp, undefined)
  cluster.store.patchStatus('nodes', { name: 'n1' }, { conditions: [conditions[0]] })
  await cluster.bound('new', 'n1')
})

t.test(
  'a silent node becomes Unknown, its pods unready, then those that do not tolerate it are deleted',
  async (t) => {
    const cluster = makeCluster(t, 200)
    cluster.addNode('n1')
    const ready = { conditions: [{ type: 'Ready', status: 'True' }], phase: 'Running' }
    for (const [name, tolerations] of [
      ['leaves', []],
      ['stays', [{ operator: 'Exists' }]],
    ] as const) {
      cluster.addPod(name, '0', { tolerations, nodeName: 'n1' })
      cluster.store.patchStatus('pods', { namespace: 'default', name }, ready)
    }
    await eventually(
      'the node is Unknown',
      () => cluster.getNode('n1')?.status?.conditions?.[0]?.status === 'Unknown',
    )
    t.match(cluster.getNode('n1')?.status?.conditions?.[0], { reason: 'NodeStatusUnknown' })
    await eventually('one is deleted', () => cluster.getPod('leaves')?.metadata.deletionTimestamp)
    t.match(
      cluster.getPod('leaves')?.status?.conditions?.find(({ type }) => type === 'DisruptionTarget'),
      {
        status: 'True',
        reason: 'DeletionByTaintManager',
      },
    )
    const stays = cluster.getPod('stays')
    t.equal(stays?.metadata.deletionTimestamp, undefined)
    t.equal(stays?.status?.conditions?.find(({ type }) => type === 'Ready')?.status, 'False')
    const conditions = [{ type: 'Ready', status: 'True', lastHeartbeatTime: new Date().toISOString() }]
    cluster.store.patchStatus('nodes', { name: 'n1' }, { conditions })
    await eventually('the taints go', () => cluster.getNode('n1')?.spec?.taints?.length === 0)
  },
)

t.test('pods of a node that is gone are deleted', async (t) => {
  const cluster = makeCluster(t)
  cluster.addNode('n1')
  cluster.addPod('orphan', '0', { nodeName: 'n1' })
  cluster.store.delete('nodes', { name: 'n1' })
  await eventually('it is gone', () => !cluster.getPod('orphan'))
  t.pass('collected')
})
