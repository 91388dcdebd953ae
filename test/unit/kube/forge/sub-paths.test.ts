import type { V1EnvVar, V1Pod } from '@kubernetes/client-node'
import { waitingStatus } from '../../../../src/kube/forge/local-status.ts'
import { subPathFault } from '../../../../src/kube/forge/sub-paths.ts'
import { toDataPlane } from '../../../../src/kube/forge/to-data-plane.ts'
import { userPod } from '../../../support/agent-harness.ts'
import t from '../../../support/tap.ts'

const facts = { nodeName: 'virtual-1', hostIp: '192.0.2.10' }
const field = (name: string, fieldPath: string): V1EnvVar => ({
  name,
  valueFrom: { fieldRef: { fieldPath } },
})

function podWith(subPathExpr: string, env: V1EnvVar[], annotations: Record<string, string> = {}): V1Pod {
  return userPod('a', (pod) => {
    pod.metadata.annotations = annotations
    pod.spec.volumes = [{ name: 'data', emptyDir: {} }]
    pod.spec.containers[0].env = env
    pod.spec.containers[0].volumeMounts = [{ name: 'data', mountPath: '/data', subPathExpr }]
  })
}
const mountOf = (pod: V1Pod) => toDataPlane(pod, facts).spec?.containers[0]?.volumeMounts?.[0]

t.test(
  'a subPathExpr that the user’s pod alone decides is carried as a path that the gateway can check',
  (t) => {
    const cases: [expr: string, env: V1EnvVar[], path: string][] = [
      ['$(NAME)', [{ name: 'NAME', value: 'x' }], 'x'],
      ['$(POD)/$(NS)', [field('POD', 'metadata.name'), field('NS', 'metadata.namespace')], 'a/default'],
      ['$(A)-b', [field('A', "metadata.annotations['my']")], 'mine-b'],
      [
        '$(BOTH)',
        [
          { name: 'A', value: '1' },
          { name: 'BOTH', value: '$(A)2' },
        ],
        '12',
      ],
      ['$$(A)', [{ name: 'A', value: '1' }], '$(A)'],
    ]
    for (const [expr, env, path] of cases) {
      const pod = podWith(expr, env, { my: 'mine' })
      t.same(mountOf(pod), { name: 'data', mountPath: '/data', subPath: path }, expr)
      t.equal(subPathFault(pod), undefined, expr)
    }
    t.end()
  },
)

t.test('one that only the data plane could expand goes along as it is, for the gateway to refuse', (t) => {
  const secret: V1EnvVar = { name: 'S', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } }
  for (const [expr, env] of [
    ['$(S)', [secret]],
    ['$(T)', [secret, { name: 'T', value: 'a$(S)' }]],
    ['$(IP)', [field('IP', 'status.podIP')]],
    ['$(FROM)', []], // perhaps of envFrom
  ] as const) {
    const pod = podWith(expr, [...env])
    t.equal(mountOf(pod)?.subPathExpr, expr)
    t.equal(mountOf(pod)?.subPath, undefined)
    t.equal(subPathFault(pod), undefined)
  }
  t.end()
})

t.test('a path that leaves the volume, or has no value, is the container’s fault and never carried', (t) => {
  const cases: [env: V1EnvVar, message: RegExp][] = [
    [{ name: 'P', value: '..' }, /must not contain '\.\.'/],
    [{ name: 'P', value: 'a/../../b' }, /must not contain '\.\.'/],
    [{ name: 'P', value: '/tmp' }, /must not be an absolute path/],
    [field('P', "metadata.annotations['none']"), /^missing value for P$/],
  ]
  for (const [variable, message] of cases) {
    const pod = podWith('$(P)', [variable])
    const fault = subPathFault(pod)
    t.match(fault, { reason: 'CreateContainerConfigError', message, container: 'main' })
    t.equal(mountOf(pod)?.subPath, undefined)
    if (!fault) continue
    const status = waitingStatus(pod, fault, '2026-01-01T12:00:00Z')
    t.equal(status.phase, 'Pending')
    t.match(status.containerStatuses, [
      { name: 'main', ready: false, state: { waiting: { reason: 'CreateContainerConfigError', message } } },
    ])
  }
  t.end()
})
