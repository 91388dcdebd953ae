import { randomBytes } from 'node:crypto'
import { type Any, call, ok, openApi, patch, podOf } from '../../support/api-under-test.ts'
import { eventually } from '../../support/eventually.ts'
import t, { type Test } from '../../support/tap.ts'

// What scheduler and node controllers make of pods and nodes; a real cluster may have other nodes beside ours.

const READY = {
  type: 'Ready',
  status: 'True',
  reason: 'KubeletReady',
  message: 'kubelet is posting ready status',
}

async function setUp(t: Test) {
  const { admin, namespace } = await openApi(t, 'user-cluster')
  const ns = await namespace()
  const pods = `/api/v1/namespaces/${ns}/pods`
  const mark = `contract-${randomBytes(3).toString('hex')}`
  const addNode = async (name: string, cpu: string, labels: object = { 'example.com/mark': mark }) => {
    const path = `/api/v1/nodes/${name}`
    t.teardown(() => call(admin, 'DELETE', path))
    const now = new Date().toISOString()
    const conditions = [{ ...READY, lastHeartbeatTime: now, lastTransitionTime: now }]
    const capacity = { cpu, memory: '1Gi', pods: '10' }
    await ok(
      call(admin, 'POST', '/api/v1/nodes', {
        apiVersion: 'v1',
        kind: 'Node',
        metadata: { name, labels },
        status: { capacity, allocatable: capacity, conditions },
      }),
    )
    await eventually(
      `${name} is without taints`,
      async () => !(await ok(call(admin, 'GET', path))).spec.taints,
    )
    return path
  }
  const addPod = (name: string, cpu: string, more: Record<string, unknown> = {}) =>
    ok(
      call(
        admin,
        'POST',
        pods,
        podOf(
          name,
          { nodeSelector: { 'example.com/mark': mark }, ...more },
          { resources: { requests: { cpu } } },
        ),
      ),
    )
  const scheduled = (name: string, check: (condition: Any, pod: Any) => unknown) =>
    eventually(
      `PodScheduled of ${name}`,
      async () => {
        const pod = await ok(call(admin, 'GET', `${pods}/${name}`))
        const conditions = (pod['status'].conditions ?? []) as Any[]
        const found = conditions.find((condition) => condition['type'] === 'PodScheduled')
        return found && check(found, pod) ? pod : undefined
      },
      60_000,
    )
  const waits = async (name: string, reason: string): Promise<string> => {
    const pod = await scheduled(
      name,
      (condition) => condition['status'] === 'False' && condition['reason'] === reason,
    )
    return (pod.status.conditions as Any[]).find((each) => each['type'] === 'PodScheduled')?.['message']
  }
  const bound = (name: string) => scheduled(name, (condition) => condition['status'] === 'True')
  return { admin, ns, pods, mark, addNode, addPod, waits, bound }
}

t.test("a pod waits in the scheduler's words, and is bound when a node has room", async (t) => {
  const { admin, ns, pods, mark, addNode, addPod, waits, bound } = await setUp(t)
  await addPod('early', '100m')
  t.match(
    await waits('early', 'Unschedulable'),
    /^(no nodes available to schedule pods|0\/\d+ nodes are available: \d+ node\(s\) )/,
  )
  const node = await addNode(mark, '1')
  const early = await bound('early')
  t.equal(early.spec.nodeName, mark)
  t.equal(early.metadata.generation, 1, 'binding is no new generation')
  await addPod('big', '1')
  const message = await waits('big', 'Unschedulable')
  t.match(message, /^0\/\d+ nodes are available: (.*, )?1 Insufficient cpu/)
  t.match(message, / preemption: 0\/\d+ nodes are available: /)
  const about = encodeURIComponent('involvedObject.name=big,reason=FailedScheduling')
  const events = await eventually('the Event', async () => {
    const { items } = await ok(call(admin, 'GET', `/api/v1/namespaces/${ns}/events?fieldSelector=${about}`))
    return items.length > 0 && (items as Any[])
  })
  t.match(events[0]?.['message'], /1 Insufficient cpu/)

  await call(admin, 'DELETE', `${pods}/early`, { gracePeriodSeconds: 0 })
  await bound('big')

  await addPod('gated', '0', { schedulingGates: [{ name: 'example.com/gate' }] })
  t.match(await waits('gated', 'SchedulingGated'), /scheduling gates/)
  await ok(
    patch(admin, 'json', `${pods}/gated`, [{ op: 'replace', path: '/spec/schedulingGates', value: [] }]),
  )
  await bound('gated')
  t.ok(node)
})

t.test('conditions and unschedulable become taints that keep pods off, and go again', async (t) => {
  const { admin, mark, addNode, addPod, waits, bound } = await setUp(t)
  const node = await addNode(mark, '1')
  const taints = async () =>
    (((await ok(call(admin, 'GET', node))).spec.taints ?? []) as Any[]).map(
      (each) => `${each['key']}:${each['effect']}`,
    )
  const until = (what: string[]) =>
    eventually(what.join() || 'no taint', async () => `${await taints()}` === `${what}`, 60_000)
  const network = (status: string) =>
    ok(
      patch(admin, 'strategic-merge', `${node}/status`, {
        status: { conditions: [{ type: 'NetworkUnavailable', status, reason: 'Test', message: 'test' }] },
      }),
    )
  await network('True')
  await until(['node.kubernetes.io/network-unavailable:NoSchedule'])
  await addPod('kept-off', '100m')
  t.match(await waits('kept-off', 'Unschedulable'), /node\(s\) had untolerated taint/)
  const toleration = {
    key: 'node.kubernetes.io/network-unavailable',
    operator: 'Exists',
    effect: 'NoSchedule',
  }
  await addPod('tolerates', '100m', { tolerations: [toleration] })
  await bound('tolerates')
  await network('False')
  await until([])
  await bound('kept-off')

  await ok(patch(admin, 'merge', node, { spec: { unschedulable: true } }))
  await until(['node.kubernetes.io/unschedulable:NoSchedule'])
  await addPod('cordoned', '100m')
  t.match(await waits('cordoned', 'Unschedulable'), /node\(s\) (were unschedulable|had untolerated taint)/)
  await ok(patch(admin, 'merge', node, { spec: { unschedulable: false } }))
  await bound('cordoned')
})

t.test('a node that says NotReady is tainted and evicts whom it must', async (t) => {
  const { admin, pods, mark, addNode, addPod, bound } = await setUp(t)
  const node = await addNode(mark, '1')
  // Where most nodes of a small cluster are unhealthy the controller manager evicts nobody: ours has healthy company.
  for (const other of ['a', 'b', 'c']) await addNode(`${mark}-${other}`, '1', {})
  const stays = [{ operator: 'Exists' }]
  const leaves = ['not-ready', 'unreachable'].map((key) => ({
    key: `node.kubernetes.io/${key}`,
    operator: 'Exists',
    effect: 'NoExecute',
    tolerationSeconds: 1,
  }))
  for (const [name, tolerations] of [
    ['stays', stays],
    ['leaves', leaves],
  ] as const) {
    await addPod(name, '100m', { tolerations })
    await bound(name)
  }
  const conditions = [{ ...READY, status: 'False', reason: 'KubeletNotReady', message: 'test' }]
  await ok(patch(admin, 'strategic-merge', `${node}/status`, { status: { conditions } }))
  const evicted = await eventually(
    'one is told to go',
    async () => {
      const pod = await ok(call(admin, 'GET', `${pods}/leaves`))
      return pod.metadata.deletionTimestamp && pod
    },
    60_000,
  )
  t.match(
    (evicted.status.conditions as Any[]).find((each) => each['type'] === 'DisruptionTarget'),
    { status: 'True', reason: 'DeletionByTaintManager' },
  )
  t.equal((await ok(call(admin, 'GET', `${pods}/stays`))).metadata.deletionTimestamp, undefined)
  const { spec } = await ok(call(admin, 'GET', node))
  t.same((spec.taints as Any[]).map((each) => `${each['key']}:${each['effect']}`).sort(), [
    'node.kubernetes.io/not-ready:NoExecute',
    'node.kubernetes.io/not-ready:NoSchedule',
  ])
  for (const name of ['stays', 'leaves'])
    await call(admin, 'DELETE', `${pods}/${name}`, { gracePeriodSeconds: 0 })
})
