import { changesOf } from '../../../../src/kube/forge/changes.ts'
import { type ForgeFacts, toDataPlane } from '../../../../src/kube/forge/to-data-plane.ts'
import { toUserStatus } from '../../../../src/kube/forge/to-user.ts'
import { running, userPod } from '../../../support/agent-harness.ts'
import type { Loose } from '../../../support/fake-cluster.ts'
import t from '../../../support/tap.ts'

const facts: ForgeFacts = { nodeName: 'east', hostIp: '192.0.2.10' }
const clusterDns = { servers: ['10.96.0.10', 'fd00::a'], domain: 'cluster.local' }

const specOf = (change: (spec: Loose) => void, given: ForgeFacts = { ...facts, clusterDns }): Loose =>
  toDataPlane(
    userPod('a', (pod) => change(pod.spec)),
    given,
  ).spec

t.test(
  'dnsPolicy: ClusterFirst is the user cluster’s, None and Default are kept, the pod’s own config goes on top',
  (t) => {
    const cluster = {
      dnsPolicy: 'None',
      dnsConfig: {
        nameservers: ['10.96.0.10', 'fd00::a'],
        searches: ['default.svc.cluster.local', 'svc.cluster.local', 'cluster.local'],
        options: [{ name: 'ndots', value: '5' }],
      },
    }
    t.match(
      specOf(() => {}),
      cluster,
      'by default',
    )
    for (const dnsPolicy of ['ClusterFirst', 'ClusterFirstWithHostNet']) {
      t.match(
        specOf((spec) => Object.assign(spec, { dnsPolicy })),
        cluster,
        dnsPolicy,
      )
    }
    const own = {
      nameservers: ['192.0.2.53'],
      searches: ['example.com'],
      options: [{ name: 'ndots', value: '2' }, { name: 'edns0' }],
    }
    const both = specOf((spec) => Object.assign(spec, { dnsPolicy: 'ClusterFirst', dnsConfig: own }))
    t.same(both.dnsConfig.nameservers, [...clusterDns.servers, '192.0.2.53'])
    t.equal(both.dnsConfig.searches.at(-1), 'example.com')
    t.same(both.dnsConfig.options, own.options, 'the pod’s own ndots wins, and there is one')
    for (const dnsPolicy of ['None', 'Default']) {
      const kept = specOf((spec) => Object.assign(spec, { dnsPolicy, dnsConfig: own }))
      t.same([kept.dnsPolicy, kept.dnsConfig], [dnsPolicy, own], dnsPolicy)
    }
    t.equal(specOf(() => {}, facts).dnsPolicy, 'Default', 'without the cluster’s addresses')
    t.end()
  },
)

t.test('host aliases, host name, probes and hooks of every kind go along as they were written', (t) => {
  const httpGet = { path: '/healthz', port: 8080, httpHeaders: [{ name: 'x', value: 'y' }] }
  const container = {
    livenessProbe: { httpGet, periodSeconds: 3 },
    readinessProbe: { tcpSocket: { port: 'web' }, successThreshold: 2 },
    startupProbe: { grpc: { port: 9000, service: 'health' }, failureThreshold: 30 },
    lifecycle: {
      postStart: { exec: { command: ['true'] } },
      preStop: { sleep: { seconds: 2 } },
      stopSignal: 'SIGUSR1',
    },
    terminationMessagePath: '/words',
    terminationMessagePolicy: 'FallbackToLogsOnError',
    securityContext: { runAsUser: 1000, allowPrivilegeEscalation: false },
    resizePolicy: [{ resourceName: 'cpu', restartPolicy: 'NotRequired' }],
  }
  const pod = {
    hostAliases: [{ ip: '192.0.2.1', hostnames: ['db'] }],
    hostname: 'web-0',
    subdomain: 'web',
    shareProcessNamespace: true,
    activeDeadlineSeconds: 60,
    securityContext: { fsGroup: 1000 },
    runtimeClassName: 'gvisor',
  }
  const spec = specOf((each) => {
    Object.assign(each, pod)
    Object.assign(each.containers[0], container)
  })
  t.match(spec, pod)
  t.match(spec.containers[0], container)
  t.end()
})

t.test('rule 43: nothing that is brought along asks for volumes to be attached', (t) => {
  const key = 'volumes.kubernetes.io/controller-managed-attach-detach'
  t.notMatch(JSON.stringify(toDataPlane(userPod('a'), { ...facts, clusterDns })), key)
  t.end()
})

t.test('scheduling gates, nodeName and what scheduling means at home stay there', (t) => {
  const spec = specOf((each) => {
    Object.assign(each, {
      schedulingGates: [{ name: 'example.com/wait' }],
      nodeSelector: { a: 'b' },
      schedulerName: 'mine',
      priority: 1000,
      priorityClassName: 'high',
      preemptionPolicy: 'Never',
    })
  })
  for (const field of [
    'schedulingGates',
    'nodeSelector',
    'schedulerName',
    'priority',
    'priorityClassName',
    'preemptionPolicy',
    'nodeName',
  ]) {
    t.equal(spec[field], undefined, field)
  }
  t.end()
})

t.test('rule 44: a resize goes by its own door, and what the data plane makes of it comes back', (t) => {
  const user = userPod('a', (pod) => {
    running(pod)
    pod.spec.containers[0].resources = { requests: { cpu: '2' }, limits: { cpu: '2' } }
    pod.metadata.generation = 2
  })
  const carried: Loose = toDataPlane(user, facts)
  carried.spec.containers[0].resources = { requests: { cpu: '1' }, limits: { cpu: '1' } }
  const changes: Loose = changesOf(user, carried, facts)
  t.same(changes.resize, {
    spec: { containers: [{ name: 'main', resources: { requests: { cpu: '2' }, limits: { cpu: '2' } } }] },
  })
  running(carried)
  carried.status.conditions.push({ type: 'PodResizePending', status: 'True', reason: 'Deferred' })
  carried.status.containerStatuses[0].allocatedResources = { cpu: '1' }
  const status: Loose = toUserStatus(user, carried, {
    hostIp: '192.0.2.10',
    flatNetwork: true,
    now: '2026-01-01T00:00:00Z',
  })
  t.match(
    status.conditions.find(({ type }: Loose) => type === 'PodResizePending'),
    { status: 'True', reason: 'Deferred' },
  )
  t.same(status.containerStatuses[0].allocatedResources, { cpu: '1' })
  t.end()
})
