import type { V1Pod, V1PodSpec } from '@kubernetes/client-node'
import { checkPodChange, checkPodCreate } from '../../../../src/gateway/policy/index.ts'
import { podRules } from '../../../../src/gateway/policy/pod-rules.ts'
import { WHOLE } from '../../../../src/gateway/policy/rule.ts'
import { fieldsOf, shapeOf } from '../../../../src/kube/schema/index.ts'
import t from '../../../support/tap.ts'

const container = { name: 'main', image: 'busybox:1.37' }
const podWith = (spec: object): V1Pod => ({
  metadata: { name: 'p' },
  spec: { containers: [container], ...spec } as V1PodSpec,
})
const fields = (spec: object) => checkPodCreate(podWith(spec)).map((fault) => fault.field)

t.test('E1: every field of the Pod schema is decided on: none is open by oversight', async (t) => {
  const seen = new Set<string>()
  const undecided: string[] = []
  const visit = (type: string) => {
    if (seen.has(type)) return
    seen.add(type)
    for (const field of fieldsOf(type) ?? []) {
      const rule = podRules[type]?.[field]
      if (rule === undefined) undecided.push(`${type}.${field}`)
      const inner = shapeOf(type, field)?.type
      if (rule === 'allow' && inner !== undefined && !inner.endsWith('Status') && inner !== 'ObjectMeta')
        visit(inner)
    }
  }
  visit('PodSpec')
  t.same(undecided, [])
})

t.test('no rule names a field that the schema does not have', async (t) => {
  const wrong = Object.entries(podRules).flatMap(([type, rules]) =>
    Object.keys(rules)
      .filter((field) => field !== WHOLE && shapeOf(type, field) === undefined)
      .map((field) => `${type}.${field}`),
  )
  t.same(wrong, [])
})

t.test('an ordinary pod passes', async (t) => {
  t.same(
    fields({
      initContainers: [{ ...container, name: 'sidecar', restartPolicy: 'Always' }],
      securityContext: { runAsNonRoot: true, fsGroup: 7, seccompProfile: { type: 'RuntimeDefault' } },
      automountServiceAccountToken: false,
      dnsPolicy: 'ClusterFirst',
      tolerations: [
        {
          key: 'node.kubernetes.io/not-ready',
          operator: 'Exists',
          effect: 'NoExecute',
          tolerationSeconds: 300,
        },
      ],
      volumes: [
        { name: 'a', configMap: { name: 'c' } },
        { name: 'b', emptyDir: { medium: 'Memory' } },
        {
          name: 'c',
          projected: { sources: [{ secret: { name: 's', items: [{ key: 'k', path: 'd/k' }] } }] },
        },
      ],
    }),
    [],
  )
})

const perContainer: [string, object][] = [
  ['securityContext.privileged', { securityContext: { privileged: true } }],
  ['securityContext.procMount', { securityContext: { procMount: 'Unmasked' } }],
  [
    'securityContext.capabilities.add',
    { securityContext: { capabilities: { add: ['CHOWN', 'SYS_ADMIN'] } } },
  ],
  ['securityContext.seccompProfile.type', { securityContext: { seccompProfile: { type: 'Unconfined' } } }],
  ['securityContext.appArmorProfile.type', { securityContext: { appArmorProfile: { type: 'Unconfined' } } }],
  ['securityContext.seLinuxOptions', { securityContext: { seLinuxOptions: { type: 'spc_t' } } }],
  ['securityContext.windowsOptions', { securityContext: { windowsOptions: { hostProcess: true } } }],
  ['ports[0].hostPort', { ports: [{ containerPort: 80, hostPort: 80 }] }],
  ['ports[0].hostIP', { ports: [{ containerPort: 80, hostIP: '0.0.0.0' }] }],
  [
    'volumeMounts[0].mountPropagation',
    { volumeMounts: [{ name: 'a', mountPath: '/a', mountPropagation: 'Bidirectional' }] },
  ],
  ['volumeMounts[0].subPath', { volumeMounts: [{ name: 'a', mountPath: '/a', subPath: 'x/../../y' }] }],
  ['volumeMounts[0].subPathExpr', { volumeMounts: [{ name: 'a', mountPath: '/a', subPathExpr: '$(X)' }] }],
  ['volumeDevices', { volumeDevices: [{ name: 'a', devicePath: '/dev/x' }] }],
  ['livenessProbe.httpGet.host', { livenessProbe: { httpGet: { host: '10.0.0.1', port: 1 } } }],
  ['lifecycle.preStop.tcpSocket.host', { lifecycle: { preStop: { tcpSocket: { host: 'x', port: 1 } } } }],
  [
    'env[0].valueFrom.fieldRef.fieldPath',
    { env: [{ name: 'N', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } }] },
  ],
  ['resources.claims', { resources: { claims: [{ name: 'gpu' }] } }],
]

for (const kind of ['containers', 'initContainers', 'ephemeralContainers']) {
  t.test(`E1: ${kind}: host access and what escapes are refused by path`, async (t) => {
    for (const [field, value] of perContainer) {
      t.same(fields({ [kind]: [{ ...container, ...value }] }), [`spec.${kind}[0].${field}`], field)
    }
  })
}

const perPod: [string, unknown][] = [
  ['hostNetwork', true],
  ['hostPID', true],
  ['hostIPC', true],
  ['hostUsers', true],
  ['nodeName', 'n'],
  ['nodeSelector', { a: 'b' }],
  ['affinity', { nodeAffinity: {} }],
  ['topologySpreadConstraints', [{ maxSkew: 1 }]],
  ['schedulerName', 'mine'],
  ['priorityClassName', 'system-node-critical'],
  ['priority', 7],
  ['preemptionPolicy', 'Never'],
  ['runtimeClassName', 'kata'],
  ['overhead', { cpu: '1' }],
  ['serviceAccountName', 'admin'],
  ['automountServiceAccountToken', true],
  ['setHostnameAsFQDN', true],
  ['resourceClaims', [{ name: 'x' }]],
]

t.test('E2, E5: identity, placement and priority in the data plane are refused by path', async (t) => {
  for (const [field, value] of perPod) t.same(fields({ [field]: value }), [`spec.${field}`], field)
})

t.test('E1: every kind of volume but the tenant’s own is refused', async (t) => {
  const own = new Set(['name', 'configMap', 'secret', 'emptyDir', 'downwardAPI', 'projected'])
  for (const kind of (fieldsOf('Volume') ?? []).filter((field) => !own.has(field))) {
    t.same(fields({ volumes: [{ name: 'v', [kind]: { path: '/' } }] }), [`spec.volumes[0].${kind}`], kind)
  }
  const token = { serviceAccountToken: { path: 't' } }
  t.same(fields({ volumes: [{ name: 'v', projected: { sources: [token] } }] }), [
    'spec.volumes[0].projected.sources[0].serviceAccountToken',
  ])
})

t.test('E5: a toleration without a key, which tolerates every taint, is refused', async (t) => {
  t.same(fields({ tolerations: [{ operator: 'Exists' }] }), ['spec.tolerations[0]'])
  t.same(fields({ tolerations: [{ key: 'dedicated', operator: 'Exists' }] }), ['spec.tolerations[0]'])
})

t.test(
  'B5, B6: gateway keys, finalizers and annotations that the data plane acts on are refused',
  async (t) => {
    const pod = podWith({})
    pod.metadata = {
      name: 'p',
      labels: { app: 'x', 'isthmus.dev/tenant': 'other' },
      annotations: {
        'agent.isthmus.dev/uid': 'u',
        'isthmus.dev/x': '1',
        'k8s.v1.cni.cncf.io/networks': 'host',
      },
      finalizers: ['example.org/x'],
    }
    t.same(
      checkPodCreate(pod).map((fault) => fault.field),
      [
        'metadata.labels[isthmus.dev/tenant]',
        'metadata.annotations[isthmus.dev/x]',
        'metadata.annotations[k8s.v1.cni.cncf.io/networks]',
        'metadata.finalizers',
      ],
    )
  },
)

t.test('rule 15: what the data plane added does not refuse an update that leaves it alone', async (t) => {
  const current = podWith({
    nodeName: 'real-node',
    priority: 0,
    tolerations: [{ key: 'node.kubernetes.io/memory-pressure', operator: 'Exists' }],
    containers: [container, { name: 'istio-proxy', image: 'proxy', securityContext: { privileged: true } }],
  })
  const result = structuredClone(current)
  result.spec!.containers[0]!.image = 'busybox:1.38'
  t.same(checkPodChange(current, result), [])
})

t.test('rule 15: a removal is judged like a change', async (t) => {
  const current = podWith({
    tolerations: [{ key: 'node.kubernetes.io/memory-pressure', operator: 'Exists' }],
  })
  t.same(
    checkPodChange(current, podWith({})).map((fault) => fault.field),
    ['spec.tolerations'].map((field) => `${field}[removed]`),
  )
})

t.test('rule 15: lists are compared by their key, not by place', async (t) => {
  const sidecar = { name: 'sidecar', image: 'x', securityContext: { privileged: true } }
  const current = podWith({ containers: [sidecar, container] })
  t.same(checkPodChange(current, podWith({ containers: [container, sidecar] })), [])
  const twice = podWith({ containers: [sidecar, container, sidecar] })
  t.same(
    checkPodChange(current, twice).map((fault) => fault.field),
    ['spec.containers[2].securityContext.privileged'],
  )
})

t.test('E12: __proto__ and constructor as field names are refused and pollute nothing', async (t) => {
  const pod = JSON.parse(
    '{"spec":{"containers":[{"name":"a","__proto__":{"x":1},"constructor":{"y":1}}]}}',
  ) as V1Pod
  t.same(
    checkPodCreate(pod).map((fault) => fault.field),
    ['spec.containers[0].__proto__', 'spec.containers[0].constructor'],
  )
  t.equal(({} as Record<string, unknown>)['x'], undefined)
})

t.test('G5: two lists of 15,000 elements are compared in seconds, not in minutes', (t) => {
  const pod = (prefix: string) => {
    const items = Array.from({ length: 15_000 }, (_, index) => ({ key: 'k', path: `${prefix}${index}` }))
    return {
      metadata: {},
      spec: { containers: [{ name: 'a' }], volumes: [{ name: 'v', configMap: { name: 'c', items } }] },
    }
  }
  const start = performance.now()
  t.same(checkPodChange(pod('a'), pod('b')), [])
  t.ok(performance.now() - start < 20_000)
  t.end()
})

t.test('rule 15: elements of lists without a key are the same whatever the order of their fields', (t) => {
  const pod = (option: object) => ({ spec: { containers: [{ name: 'a' }], tolerations: [option] } })
  const before = pod({ key: 'gpu', operator: 'Exists', effect: 'NoSchedule' })
  t.same(checkPodChange(before, pod({ effect: 'NoSchedule', operator: 'Exists', key: 'gpu' })), [])
  t.not(checkPodChange(before, pod({ effect: 'NoExecute', operator: 'Exists', key: 'gpu' })).length, 0)
  t.end()
})

t.test('rule 19: the data plane’s kube-root-ca.crt is not read by reference either', (t) => {
  const name = 'kube-root-ca.crt'
  const main = { name: 'a', image: 'i' }
  for (const spec of [
    { containers: [{ ...main, envFrom: [{ configMapRef: { name } }] }] },
    {
      containers: [
        { ...main, env: [{ name: 'E', valueFrom: { configMapKeyRef: { name, key: 'ca.crt' } } }] },
      ],
    },
    { containers: [main], volumes: [{ name: 'v', configMap: { name } }] },
    { containers: [main], volumes: [{ name: 'v', projected: { sources: [{ configMap: { name } }] } }] },
  ]) {
    t.equal(checkPodCreate({ spec } as V1Pod).length, 1, JSON.stringify(spec))
    t.same(checkPodCreate(JSON.parse(JSON.stringify({ spec }).replaceAll(name, 'mine'))), [])
  }
  const annotations = { 'kubernetes.io/config.mirror': 'x' }
  t.equal(
    checkPodCreate({ metadata: { annotations }, spec: { containers: [main] } }).length,
    1,
    'a mirror pod',
  )
  t.end()
})
