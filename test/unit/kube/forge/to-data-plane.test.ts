import { readFileSync } from 'node:fs'
import type { V1Pod } from '@kubernetes/client-node'
import { changesOf } from '../../../../src/kube/forge/changes.ts'
import { formatMap } from '../../../../src/kube/forge/downward.ts'
import { podReferences } from '../../../../src/kube/forge/references.ts'
import { serviceEnvironment } from '../../../../src/kube/forge/service-env.ts'
import { toDataPlane } from '../../../../src/kube/forge/to-data-plane.ts'
import { tokenSources } from '../../../../src/kube/forge/tokens.ts'
import { refusalOf } from '../../../../src/kube/forge/unsupported.ts'
import type { Loose } from '../../../support/fake-cluster.ts'
import t from '../../../support/tap.ts'

const facts = {
  nodeName: 'virtual-1',
  hostIp: '192.0.2.10',
  clusterDns: { servers: ['10.96.0.10'], domain: 'cluster.local' },
}
const golden = (name: string): Loose =>
  JSON.parse(readFileSync(new URL(`golden/${name}.json`, import.meta.url), 'utf8'))
const plain = (value: unknown) => JSON.parse(JSON.stringify(value))

t.test('golden: an ordinary pod as a real API server hands it over', (t) => {
  const { user, carried } = golden('ordinary')
  t.same(plain(toDataPlane(user, facts)), carried)
  t.same(plain(toDataPlane(user, facts)), plain(toDataPlane(user, facts)), 'the same create twice')
  t.end()
})

t.test('what is the user’s scheduler’s and controllers’ stays behind', (t) => {
  const { user } = golden('ordinary')
  const spec = toDataPlane(
    {
      ...user,
      spec: {
        ...user.spec,
        nodeSelector: { a: 'b' },
        affinity: {},
        priority: 10,
        priorityClassName: 'high',
        preemptionPolicy: 'Never',
        readinessGates: [{ conditionType: 'x/y' }],
        schedulerName: 'mine',
        topologySpreadConstraints: [],
        overhead: { cpu: '1' },
        hostNetwork: false,
        serviceAccountName: 'robot',
      },
    },
    facts,
  ).spec as Loose
  for (const field of [
    'nodeName',
    'nodeSelector',
    'affinity',
    'priority',
    'priorityClassName',
    'preemptionPolicy',
    'readinessGates',
    'schedulerName',
    'topologySpreadConstraints',
    'overhead',
    'hostNetwork',
    'serviceAccountName',
  ]) {
    t.notOk(field in spec, field)
  }
  t.equal(spec.automountServiceAccountToken, false)
  t.equal(spec.enableServiceLinks, false)
  t.end()
})

t.test('labels and annotations under isthmus.dev do not pass for the gateway’s or the agent’s', (t) => {
  const pod = golden('ordinary').user
  pod.metadata.labels['isthmus.dev/tenant'] = 'other'
  pod.metadata.annotations = { 'agent.isthmus.dev/uid': 'forged', mine: 'yes' }
  const { labels, annotations } = toDataPlane(pod, facts).metadata as Loose
  t.notOk('isthmus.dev/tenant' in labels)
  t.equal(annotations['agent.isthmus.dev/uid'], pod.metadata.uid)
  t.equal(annotations.mine, 'yes')
  t.end()
})

t.test('rule 39: an audience "" is not sent, and the injected 3607 is asked for as 3600', (t) => {
  const projected = (token: object) => ({
    spec: {
      containers: [],
      volumes: [{ name: 'v', projected: { sources: [{ serviceAccountToken: token }] } }],
    },
  })
  t.same(tokenSources(projected({ path: 'token', expirationSeconds: 3607, audience: '' }) as V1Pod), [
    { key: 'v.0', audience: undefined, expirationSeconds: 3600 },
  ])
  t.same(tokenSources(projected({ path: 'token', expirationSeconds: 600, audience: 'vault' }) as V1Pod), [
    { key: 'v.0', audience: 'vault', expirationSeconds: 600 },
  ])
  t.end()
})

t.test(
  'rule 40: the service environment is the first source of envFrom, so that a user’s may override it',
  (t) => {
    const pod: Loose = {
      metadata: { name: 'a', namespace: 'default', uid: 'u' },
      spec: {
        containers: [{ name: 'a', envFrom: [{ configMapRef: { name: 'mine' } }] }],
        initContainers: [{ name: 'i' }],
      },
    }
    const spec = toDataPlane(pod, facts).spec as Loose
    t.same(spec.containers[0].envFrom, [
      { configMapRef: { name: 'isthmus.service-env' } },
      { configMapRef: { name: 'mine' } },
    ])
    t.same(spec.initContainers[0].envFrom, [{ configMapRef: { name: 'isthmus.service-env' } }])
    pod.spec.enableServiceLinks = false
    t.same((toDataPlane(pod, facts).spec as Loose).initContainers[0].envFrom, [
      { configMapRef: { name: 'isthmus.kubernetes-env' } },
    ])
    t.end()
  },
)

t.test('the service environment is the kubelet’s, with the user’s API server at its own address', (t) => {
  const service = (name: string, namespace: string, clusterIP: string, ports: object[]): Loose => ({
    metadata: { name, namespace },
    spec: { clusterIP, ports },
  })
  const services = [
    service('kubernetes', 'default', '10.96.0.1', [{ name: 'https', port: 443, protocol: 'TCP' }]),
    service('my-db', 'shop', '10.96.3.4', [
      { name: 'sql', port: 5432 },
      { name: 'admin-ui', port: 80, protocol: 'TCP' },
    ]),
    service('headless', 'shop', 'None', [{ port: 1 }]),
    service('other', 'elsewhere', '10.96.9.9', [{ port: 1 }]),
  ]
  const { all, master } = serviceEnvironment(services, 'shop', { host: 'api.example', port: 6443 })
  t.same(master, {
    KUBERNETES_SERVICE_HOST: 'api.example',
    KUBERNETES_SERVICE_PORT: '6443',
    KUBERNETES_SERVICE_PORT_HTTPS: '6443',
    KUBERNETES_PORT: 'tcp://api.example:6443',
    KUBERNETES_PORT_6443_TCP: 'tcp://api.example:6443',
    KUBERNETES_PORT_6443_TCP_PROTO: 'tcp',
    KUBERNETES_PORT_6443_TCP_PORT: '6443',
    KUBERNETES_PORT_6443_TCP_ADDR: 'api.example',
  })
  t.equal(all['MY_DB_SERVICE_HOST'], '10.96.3.4')
  t.equal(all['MY_DB_SERVICE_PORT'], '5432')
  t.equal(all['MY_DB_SERVICE_PORT_ADMIN_UI'], '80')
  t.equal(all['MY_DB_PORT_80_TCP_PORT'], '80')
  t.notOk(Object.keys(all).some((key) => /HEADLESS|OTHER/.test(key)))
  t.equal(all['KUBERNETES_SERVICE_HOST'], 'api.example')
  t.end()
})

t.test('references are found once each, mandatory where one use is; pull secrets are optional', (t) => {
  const pod: Loose = {
    spec: {
      imagePullSecrets: [{ name: 'registry' }],
      containers: [
        {
          envFrom: [
            { secretRef: { name: 's', optional: true } },
            { configMapRef: { name: 'c', optional: true } },
          ],
        },
      ],
      initContainers: [{ env: [{ valueFrom: { secretKeyRef: { name: 's', key: 'k' } } }] }],
      volumes: [
        {
          name: 'a',
          projected: { sources: [{ configMap: { name: 'p' } }, { secret: { name: 'q', optional: true } }] },
        },
        { name: 'b', secret: { secretName: 'v' } },
      ],
    },
  }
  t.same(
    podReferences(pod)
      .map(({ kind, name, optional }) => `${kind}/${name}${optional ? '?' : ''}`)
      .sort(),
    ['ConfigMap/c?', 'ConfigMap/p', 'Secret/q?', 'Secret/registry?', 'Secret/s', 'Secret/v'],
  )
  t.end()
})

t.test('what can not be carried is refused with its reason, never dropped', (t) => {
  const of = (spec: object, metadata: object = {}) =>
    refusalOf({ metadata: { namespace: 'n', ...metadata }, spec: { containers: [], ...spec } } as V1Pod)
      ?.reason
  t.equal(of({ hostNetwork: true }), 'HostAccess')
  t.equal(of({ hostPID: true }), 'HostAccess')
  t.equal(of({ volumes: [{ name: 'v', hostPath: { path: '/' } }] }), 'UnsupportedVolume')
  t.equal(of({ volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'c' } }] }), 'UnsupportedVolume')
  t.equal(
    of({ volumes: [{ name: 'v', projected: { sources: [{ clusterTrustBundle: {} }] } }] }),
    'UnsupportedVolume',
  )
  t.equal(of({ volumes: [{ name: 'v', emptyDir: { medium: 'Memory' } }] }), undefined)
  t.equal(of({}, { annotations: { 'kubernetes.io/config.mirror': 'x' } }), 'StaticPod')
  t.end()
})

t.test('rule 30: a DaemonSet’s pod is told how to stay away', (t) => {
  const pod: Loose = {
    metadata: {
      namespace: 'kube-system',
      ownerReferences: [{ kind: 'DaemonSet', name: 'kube-proxy', controller: true }],
    },
    spec: { containers: [] },
  }
  const why = refusalOf(pod)
  t.equal(why?.reason, 'DaemonSetNotCarried')
  t.match(why?.message, /kubectl -n kube-system patch daemonset kube-proxy .*NotIn.*virtual-kubelet/)
  t.end()
})

t.test('a map in a downward-API file reads as a kubelet writes it', (t) => {
  t.equal(formatMap({ b: 'two\n"x"', a: '1' }), 'a="1"\nb="two\\n\\"x\\""')
  t.end()
})

t.test(
  'changes: images, labels, annotations, deadline, resources and ephemeral containers go their own ways',
  (t) => {
    const user = golden('ordinary').user
    const carried = plain(toDataPlane(user, facts))
    carried.metadata.labels['injected'] = 'by the data plane'
    t.same(changesOf(user, carried, facts), {}, 'level')
    const next = plain(user)
    next.metadata.generation += 1
    next.metadata.labels = { fresh: 'yes' }
    next.spec.containers[0].image = 'busybox:2'
    next.spec.containers[0].resources = { requests: { cpu: '200m' } }
    next.spec.activeDeadlineSeconds = 60
    next.spec.ephemeralContainers = [{ name: 'debug', image: 'busybox', targetContainerName: 'web' }]
    const changes = plain(changesOf(next, carried, facts))
    t.same(changes.pod.spec, { containers: [{ name: 'web', image: 'busybox:2' }], activeDeadlineSeconds: 60 })
    t.same(changes.pod.metadata.labels, { fresh: 'yes', app: null }, 'what others added stays')
    t.equal(changes.pod.metadata.annotations['agent.isthmus.dev/generation'], '3')
    t.same(changes.resize, {
      spec: { containers: [{ name: 'web', resources: { requests: { cpu: '200m' } } }] },
    })
    t.equal(changes.ephemeralcontainers.spec.ephemeralContainers[0].name, 'debug')
    t.end()
  },
)
