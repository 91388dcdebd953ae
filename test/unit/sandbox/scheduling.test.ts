import { filterNode, type NodeState } from '../../../src/sandbox/scheduler/filter.ts'
import { allocatableOf } from '../../../src/sandbox/scheduler/fit.ts'
import { fitMessage } from '../../../src/sandbox/scheduler/message.ts'
import { wantedTaints } from '../../../src/sandbox/scheduler/node-taints.ts'
import { tolerates, tolerationSeconds } from '../../../src/sandbox/scheduler/taints.ts'
import type { Node, Pod } from '../../../src/sandbox/scheduler/types.ts'
import t from '../../support/tap.ts'

const node = (rest: Record<string, unknown> = {}, labels: Record<string, string> = {}): Node =>
  ({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: 'n1', labels },
    status: { allocatable: { cpu: '1', memory: '1Gi', pods: '2' } },
    ...rest,
  }) as unknown as Node

const state = (of: Node, used: Record<string, bigint> = {}): NodeState => ({
  node: of,
  allocatable: allocatableOf(of),
  used: new Map(Object.entries(used)),
  hostPorts: new Set(),
})

const pod = (spec: Record<string, unknown>, requests: Record<string, string> = {}): Pod =>
  ({
    metadata: { name: 'p' },
    spec: { containers: [{ name: 'c', resources: { requests } }], ...spec },
  }) as unknown as Pod

t.test('a pod fits exactly, and not by one thousandth more', (t) => {
  t.equal(filterNode(pod({}, { cpu: '500m' }), state(node(), { cpu: 500n })), undefined)
  t.same(filterNode(pod({}, { cpu: '501m', memory: '2Gi' }), state(node(), { cpu: 500n })), {
    reasons: ['Insufficient cpu', 'Insufficient memory'],
    resolvable: true,
  })
  t.same(filterNode(pod({}), state(node(), { pods: 2000n }))?.reasons, ['Too many pods'])
  t.same(filterNode(pod({}, { 'example.com/gpu': '1' }), state(node()))?.reasons, [
    'Insufficient example.com/gpu',
  ])
  t.end()
})

t.test('taints keep pods off unless they are tolerated', (t) => {
  const tainted = node({
    spec: { taints: [{ key: 'isthmus.dev/virtual-node', value: 'east', effect: 'NoSchedule' }] },
  })
  t.same(filterNode(pod({}), state(tainted))?.reasons, ['node(s) had untolerated taint(s)'])
  const toleration = {
    key: 'isthmus.dev/virtual-node',
    operator: 'Equal',
    value: 'east',
    effect: 'NoSchedule',
  }
  t.equal(filterNode(pod({ tolerations: [toleration] }), state(tainted)), undefined)
  t.ok(filterNode(pod({ tolerations: [{ ...toleration, value: 'west' }] }), state(tainted)))
  t.equal(filterNode(pod({ tolerations: [{ operator: 'Exists' }] }), state(tainted)), undefined)
  t.same(filterNode(pod({}), state(node({ spec: { unschedulable: true } })))?.reasons, [
    'node(s) were unschedulable',
  ])
  t.notOk(tolerates({ operator: 'Equal' }, { key: 'a', effect: 'NoSchedule' }), 'an empty key needs Exists')
  t.end()
})

t.test('node selectors and required affinity choose nodes', (t) => {
  const labelled = state(node({}, { zone: 'a', size: '5' }))
  const affinity = (...matchExpressions: unknown[]) => ({
    affinity: {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions }] },
      },
    },
  })
  const fits = (spec: Record<string, unknown>) => filterNode(pod(spec), labelled) === undefined
  t.ok(fits({ nodeSelector: { zone: 'a' } }))
  t.notOk(fits({ nodeSelector: { zone: 'b' } }))
  t.ok(
    fits(
      affinity(
        { key: 'zone', operator: 'In', values: ['a', 'b'] },
        { key: 'size', operator: 'Gt', values: ['4'] },
      ),
    ),
  )
  t.notOk(fits(affinity({ key: 'zone', operator: 'NotIn', values: ['a'] })))
  t.ok(fits(affinity({ key: 'other', operator: 'NotIn', values: ['a'] })), 'an absent label is not in')
  t.notOk(fits(affinity({ key: 'other', operator: 'Exists' })))
  t.ok(fits(affinity({ key: 'other', operator: 'DoesNotExist' })))
  t.notOk(fits(affinity()), 'an empty term matches nothing')
  t.end()
})

t.test('FailedScheduling says what the default scheduler says', (t) => {
  t.equal(fitMessage([]), 'no nodes available to schedule pods')
  const message = fitMessage([
    { reasons: ['node(s) had untolerated taint(s)'], resolvable: false },
    { reasons: ['Insufficient cpu'], resolvable: true },
  ])
  t.equal(
    message,
    '0/2 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint(s). no new claims to deallocate, preemption: 0/2 nodes are available: 1 No preemption victims found for incoming pod, 1 Preemption is not helpful for scheduling.',
  )
  t.end()
})

t.test('conditions become taints, and go with them; the taints of others stay', (t) => {
  const foreign = { key: 'mine', effect: 'NoSchedule' }
  const conditions = (ready: string, network: string) => ({
    spec: { taints: [foreign] },
    status: {
      conditions: [
        { type: 'Ready', status: ready },
        { type: 'NetworkUnavailable', status: network },
      ],
    },
  })
  t.equal(wantedTaints(node(conditions('True', 'False')), 'now'), undefined)
  t.same(
    wantedTaints(node(conditions('Unknown', 'True')), 'now')?.map(({ key, effect }) => `${key}:${effect}`),
    [
      'mine:NoSchedule',
      'node.kubernetes.io/unreachable:NoSchedule',
      'node.kubernetes.io/unreachable:NoExecute',
      'node.kubernetes.io/network-unavailable:NoSchedule',
    ],
  )
  const recovered = node({
    ...conditions('True', 'False'),
    spec: { taints: [foreign, { key: 'node.kubernetes.io/unreachable', effect: 'NoExecute' }] },
  })
  t.same(wantedTaints(recovered, 'now'), [foreign])
  t.end()
})

t.test('the shortest toleration that is used says how long a pod may stay', (t) => {
  const taint = { key: 'node.kubernetes.io/unreachable', effect: 'NoExecute' }
  t.equal(tolerationSeconds([taint], []), 0)
  t.equal(tolerationSeconds([taint], [{ operator: 'Exists' }]), Number.POSITIVE_INFINITY)
  t.equal(
    tolerationSeconds(
      [taint],
      [{ ...taint, operator: 'Exists', tolerationSeconds: 300 }, { operator: 'Exists' }],
    ),
    300,
  )
  t.equal(tolerationSeconds([{ ...taint, effect: 'NoSchedule' }], []), Number.POSITIVE_INFINITY)
  t.end()
})
