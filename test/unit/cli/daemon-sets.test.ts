import type { V1DaemonSet, V1PodSpec } from '@kubernetes/client-node'
import { daemonSetsOn, expectedNode } from '../../../src/cli/user-cluster/daemon-sets.ts'
import t from '../../support/tap.ts'

const node = expectedNode('east', 'isthmus.dev/virtual-node')

const daemonSet = (spec: Partial<V1PodSpec>): V1DaemonSet => ({
  metadata: { name: 'agent', namespace: 'kube-system' },
  spec: { selector: {}, template: { spec: { containers: [], ...spec } } },
})

const everything = [{ operator: 'Exists' }]
const required = (...terms: object[]) => ({
  affinity: {
    nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms } },
  },
})
const expression = (key: string, operator: string, values?: string[]) => ({
  matchExpressions: [{ key, operator, ...(values && { values }) }],
})
const isOn = (spec: Partial<V1PodSpec>) => daemonSetsOn(node, [daemonSet(spec)]).length === 1

t.test('rule 30: only DaemonSets that tolerate the taint come to the node', async (t) => {
  t.notOk(isOn({}))
  t.ok(isOn({ tolerations: everything }))
  t.ok(isOn({ tolerations: [{ operator: 'Exists', effect: 'NoSchedule' }] }))
  t.notOk(isOn({ tolerations: [{ operator: 'Exists', effect: 'NoExecute' }] }))
  t.ok(isOn({ tolerations: [{ key: 'isthmus.dev/virtual-node', value: 'east' }] }))
  t.notOk(isOn({ tolerations: [{ key: 'isthmus.dev/virtual-node', value: 'west' }] }))
})

t.test('rule 30: taints that the DaemonSet controller tolerates by itself keep none off', async (t) => {
  const cordoned = {
    ...node,
    taints: [{ key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' }],
  }
  t.equal(daemonSetsOn(cordoned, [daemonSet({})]).length, 1)
})

t.test('rule 30: node selectors and required affinity are read as the scheduler reads them', async (t) => {
  const tolerations = everything
  t.ok(isOn({ tolerations, nodeSelector: { 'kubernetes.io/os': 'linux' } }))
  t.notOk(isOn({ tolerations, nodeSelector: { 'kubernetes.io/os': 'windows' } }))
  t.notOk(isOn({ tolerations, ...required(expression('type', 'NotIn', ['virtual-kubelet'])) }))
  t.notOk(isOn({ tolerations, ...required(expression('type', 'DoesNotExist')) }))
  t.ok(isOn({ tolerations, ...required(expression('disk', 'Exists'), expression('type', 'Exists')) }))
  t.notOk(isOn({ tolerations, ...required({}) }), 'an empty term matches nothing')
  const matchFields = [{ key: 'metadata.name', operator: 'In', values: ['west'] }]
  t.notOk(isOn({ tolerations, ...required({ matchFields }) }))
})

t.test('rule 30: the patch keeps the terms that are there and keeps the DaemonSet off', async (t) => {
  const spec = {
    tolerations: everything,
    ...required(expression('a', 'DoesNotExist'), expression('type', 'Exists')),
  }
  const [found] = daemonSetsOn(node, [daemonSet(spec)])
  t.match(found?.command, /^kubectl -n kube-system patch daemonset agent --type merge -p '/)
  const patch = JSON.parse(/'(.*)'/.exec(found?.command ?? '')?.[1] ?? '') as typeof empty
  const empty = { spec: { template: { spec: required() } } }
  t.match(patch.spec.template.spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution, {
    nodeSelectorTerms: [{ matchExpressions: [{ key: 'a' }, { key: 'type', operator: 'NotIn' }] }, {}],
  })
  t.notOk(isOn({ ...spec, ...patch.spec.template.spec }))
  const [bare] = daemonSetsOn(node, [daemonSet({ tolerations: everything })])
  const bares = JSON.parse(/'(.*)'/.exec(bare?.command ?? '')?.[1] ?? '') as typeof empty
  t.notOk(isOn({ tolerations: everything, ...bares.spec.template.spec }))
})
