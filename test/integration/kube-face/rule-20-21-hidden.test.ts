import { eventually } from '../../support/eventually.ts'
import { drawPhysicalName } from '../../support/gateway-fakes.ts'
import { type Loose, startFace } from '../../support/kube-face.ts'
import { startRecordingUpstream } from '../../support/recording-upstream.ts'
import t, { type Test } from '../../support/tap.ts'

const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io'
const MACHINE = 'machine-7.internal'
const secretWords = [
  /t-[a-z2-7]{26}/,
  /machine-7/,
  /10\.9\.8\.7/,
  /isthmus\.dev\/(node|tenant|asked|reservation)/,
  /mesh-agent/,
  /10\.244\./,
]

async function setUp(t: Test, network: 'flat' | 'isolated' = 'isolated') {
  const upstream = await startRecordingUpstream(t)
  const face = await startFace(t, { client: upstream.client })
  const { principal } = face.fakes.addNode({ network })
  const { physicalName } = face.fakes.addNamespace(principal.nodeId, 'shop')
  const foreign = face.fakes.addNamespace('another-node', 'theirs')
  return { upstream, face, principal, physicalName, foreign: foreign.physicalName }
}

/** A pod that says everything a data plane can say. */
function chattyPod(physicalName: string, nodeId: string, foreign: string): Loose {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: 'web',
      namespace: physicalName,
      uid: 'u1',
      resourceVersion: '5',
      labels: { 'isthmus.dev/node': nodeId, 'isthmus.dev/tenant': 'x', app: 'web' },
      annotations: {
        'isthmus.dev/asked': JSON.stringify({
          labels: ['app'],
          containers: ['main'],
          initContainers: ['init'],
        }),
        'cni.projectcalico.org/podIP': '10.244.1.5/32',
      },
      managedFields: [
        { manager: 'kubelet', fieldsV1: { 'f:metadata': { 'f:labels': { 'f:isthmus.dev/node': {} } } } },
      ],
      finalizers: ['mesh-agent/finalizer'],
    },
    spec: {
      nodeName: MACHINE,
      nodeSelector: { zone: 'machine-7-zone' },
      affinity: { nodeAffinity: { note: MACHINE } },
      containers: [
        { name: 'main', image: 'app:1' },
        { name: 'mesh-agent', image: 'x' },
      ],
      initContainers: [{ name: 'init', image: 'i' }],
    },
    status: {
      phase: 'Failed',
      reason: 'Evicted',
      message: `The node ${MACHINE} was low on resource: memory`,
      hostIP: '10.9.8.7',
      hostIPs: [{ ip: '10.9.8.7' }],
      podIP: '10.244.1.5',
      podIPs: [{ ip: '10.244.1.5' }],
      nominatedNodeName: MACHINE,
      conditions: [
        {
          type: 'PodScheduled',
          status: 'False',
          reason: 'Unschedulable',
          message: `0/3 nodes: ${MACHINE} had taint`,
        },
        {
          type: 'Ready',
          status: 'False',
          reason: 'ContainersNotReady',
          message: 'unready: [main mesh-agent]',
        },
      ],
      containerStatuses: [
        {
          name: 'main',
          ready: false,
          image: 'app:1',
          state: {
            waiting: {
              reason: 'CreateContainerConfigError',
              message: `couldn't find key a in ConfigMap ${physicalName}/c`,
            },
          },
          lastState: {
            terminated: { exitCode: 1, reason: 'Error', message: `my own words about ${foreign}` },
          },
        },
        { name: 'mesh-agent', ready: false, state: {} },
      ],
      initContainerStatuses: [
        {
          name: 'init',
          image: 'i',
          state: {
            waiting: {
              reason: 'CrashLoopBackOff',
              message: `back-off 40s restarting failed container=init pod=web_${physicalName}(u1)`,
            },
          },
        },
      ],
    },
  }
}

t.test('rule 20: the recorder that everything is searched with catches a planted leak', async (t) => {
  const { face } = await setUp(t)
  await face.request(`GET /api/v1/namespaces/${drawPhysicalName()}/pods/planted`)
  await face.request(`DELETE /${drawPhysicalName()}`)
  face.returned.push(`planted ${drawPhysicalName()}`)
  t.ok(face.returned.some((text) => secretWords.some((word) => word.test(text))))
})

t.test('rule 20: nothing of the data plane comes through a pod, in any form', async (t) => {
  const { upstream, face, physicalName, principal, foreign } = await setUp(t)
  const pod = chattyPod(physicalName, principal.nodeId, foreign)
  upstream.on(`GET /api/v1/namespaces/${physicalName}/pods/web`, { json: pod })
  const list = { kind: 'PodList', apiVersion: 'v1', metadata: { resourceVersion: '9' }, items: [pod] }
  upstream.on('GET /api/v1/pods', { json: list })
  upstream.on('GET /api/v1/pods?watch', (response) =>
    response.end(`${JSON.stringify({ type: 'ADDED', object: pod })}\n`),
  )
  const one = await face.request('GET /api/v1/namespaces/shop/pods/web')
  const { status } = one.json
  t.equal(status.message, 'The pod was evicted: its machine ran out of a resource')
  t.equal(status.hostIP, undefined)
  t.equal(status.podIP, undefined, 'an isolated network hides addresses')
  t.equal(status.conditions[1].message, 'containers with unready status: [main]')
  t.equal(status.containerStatuses[0].state.waiting.message, "couldn't find key a in ConfigMap")
  t.equal(
    status.initContainerStatuses[0].state.waiting.message,
    'back-off 40s restarting failed container=init',
  )
  t.equal(status.containerStatuses[0].lastState.terminated.message, 'my own words about [namespace]')
  t.same(face.leaks, ['pod.status.containerStatuses.lastState.terminated.message'], 'the last wall counts')
  for (const path of ['/api/v1/namespaces/shop/pods/web', '/api/v1/pods']) {
    for (const accept of [
      TABLE,
      'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io',
      'application/json',
    ]) {
      t.equal((await face.request(`GET ${path}`, { headers: { accept } })).status, 200)
    }
  }
  const watch = await face.stream('/api/v1/pods?watch=true')
  await eventually('the watch has ended', () => watch.ended)
  for (const word of secretWords)
    t.same(
      face.returned.filter((text) => word.test(text)),
      [],
      String(word),
    )
})

t.test('rule 20: addresses of a flat network are the tenant’s to see', async (t) => {
  const { upstream, face, physicalName, principal, foreign } = await setUp(t, 'flat')
  upstream.on('GET /api/v1/namespaces/', { json: chattyPod(physicalName, principal.nodeId, foreign) })
  const { json } = await face.request('GET /api/v1/namespaces/shop/pods/web')
  t.equal(json.status.podIP, '10.244.1.5')
  t.equal(json.status.hostIP, undefined)
})

t.test('rule 20: events are made anew from their reasons, and others’ are not there', async (t) => {
  const { upstream, face, physicalName, foreign } = await setUp(t)
  const event = (namespace: string, reason: string, message: string, kind = 'Pod'): Loose => ({
    metadata: { name: `web.${reason}`, namespace, managedFields: [{ manager: 'kubelet' }] },
    involvedObject: { kind, name: 'web', namespace, uid: 'u1', fieldPath: 'spec.containers{main}' },
    reason,
    message,
    type: 'Warning',
    source: { component: 'kubelet', host: MACHINE },
    reportingComponent: 'mesh-agent',
    reportingInstance: MACHINE,
  })
  const items = [
    event(physicalName, 'Scheduled', `Successfully assigned ${physicalName}/web to ${MACHINE}`),
    event(physicalName, 'FailedScheduling', `0/3 nodes: ${MACHINE} had untolerated taint`),
    event(physicalName, 'FailedMount', `MountVolume.SetUp failed for volume "data" : secret "s" not found`),
    event(physicalName, 'Unhealthy', 'Readiness probe failed: Get "http://10.244.1.5:80/": refused'),
    event(physicalName, 'Started', 'Container started'),
    event(physicalName, 'MadeUp', `anything about ${MACHINE}`),
    event(physicalName, 'Created', 'x', 'RoleBinding'),
    event(foreign, 'Started', 'Container started'),
    event('kube-system', 'Started', 'Container started'),
  ]
  const list = {
    kind: 'EventList',
    apiVersion: 'v1',
    metadata: { resourceVersion: '9', remainingItemCount: 77 },
    items,
  }
  upstream.on('GET /api/v1/events', { json: list })
  upstream.on(`GET /api/v1/namespaces/${physicalName}/events`, {
    json: { ...list, items: items.slice(0, 7) },
  })
  const all = await face.request('GET /api/v1/events')
  t.same(
    all.json.items.map((one: Loose) => one.message),
    [
      'Successfully assigned shop/web to virtual',
      'The data plane has no room for the pod at present',
      'MountVolume.SetUp failed for volume "data" : secret "s" not found',
      'Readiness probe failed',
      'Started container main',
      'MadeUp in the data plane',
    ],
  )
  t.equal(all.json.metadata.remainingItemCount, undefined, 'others’ events are not counted')
  t.same(all.json.items[0].source, { component: 'kubelet', host: 'virtual' })
  t.equal((await face.request('GET /api/v1/namespaces/shop/events')).json.items.length, 6)
  t.equal((await face.request('GET /api/v1/events', { headers: { accept: TABLE } })).json.rows.length, 6)
  const write = await face.request('POST /api/v1/namespaces/shop/events', { body: {} })
  t.equal(write.status, 405)
  for (const word of secretWords)
    t.same(
      face.returned.filter((text) => word.test(text)),
      [],
      String(word),
    )
})

t.test('rule 20: error texts, headers and warnings of the data plane stay inside', async (t) => {
  const { upstream, face, physicalName } = await setUp(t)
  const words = `User "system:serviceaccount:isthmus-system:gateway" cannot do it in ${physicalName} on ${MACHINE}`
  for (const [status, reason, expected] of [
    [400, 'BadRequest', 400],
    [401, 'Unauthorized', 502],
    [403, 'Forbidden', 403],
    [404, 'NotFound', 404],
    [405, 'MethodNotAllowed', 405],
    [409, 'Conflict', 409],
    [410, 'Expired', 410],
    [413, 'RequestEntityTooLarge', 413],
    [422, 'Invalid', 422],
    [429, 'TooManyRequests', 429],
    [500, 'InternalError', 502],
    [503, 'ServiceUnavailable', 503],
  ] as const) {
    const details = {
      name: physicalName,
      causes: [{ reason: 'FieldValueInvalid', field: 'spec.x', message: `in ${physicalName}` }],
    }
    upstream.on(`GET /api/v1/namespaces/${physicalName}`, {
      status,
      headers: {
        warning: `299 - "${words}"`,
        'audit-id': MACHINE,
        'x-kubernetes-pf-flowschema-uid': MACHINE,
      },
      json: { kind: 'Status', status: 'Failure', code: status, reason, message: words, details },
    })
    const answer = await face.request('GET /api/v1/namespaces/shop/pods/web')
    t.equal(answer.status, expected)
    t.equal(answer.json.kind, 'Status')
    t.notMatch(answer.text, 'isthmus-system')
  }
  for (const word of secretWords)
    t.same(
      face.returned.filter((text) => word.test(text)),
      [],
      String(word),
    )
})

t.test(
  'rule 13: a table watch whose first event is another tenant’s still carries its columns',
  async (t) => {
    const { upstream, face, physicalName, principal, foreign } = await setUp(t)
    const theirs = chattyPod(foreign, 'another-node', foreign)
    const own = chattyPod(physicalName, principal.nodeId, foreign)
    upstream.on('GET /api/v1/pods', (response) => {
      response.write(`${JSON.stringify({ type: 'ADDED', object: theirs })}\n`)
      response.end(`${JSON.stringify({ type: 'ADDED', object: own })}\n`)
    })
    const watch = await face.stream('/api/v1/pods?watch=true', { headers: { accept: TABLE } })
    await eventually('the watch has ended', () => watch.ended)
    t.equal(watch.lines.length, 1)
    t.equal(watch.events()[0].object.columnDefinitions.length, 9)
    t.equal(watch.events()[0].object.rows[0].cells[6], 'virtual')
  },
)

t.test('rule 21: a pod’s DNS leads nowhere near the physical namespace', async (t) => {
  const { upstream, face, physicalName } = await setUp(t)
  upstream.on(`POST /api/v1/namespaces/${physicalName}/pods`, (response, request) =>
    response.writeHead(201).end(request.body),
  )
  const create = async (spec: object) => {
    const answer = await face.request('POST /api/v1/namespaces/shop/pods', {
      body: { metadata: { name: 'web' }, spec: { containers: [{ name: 'a', image: 'b' }], ...spec } },
    })
    return {
      answer,
      sent: answer.status === 201 ? JSON.parse(upstream.requests.at(-1)?.body ?? '{}') : undefined,
    }
  }
  const own = await create({
    dnsConfig: { nameservers: ['10.96.0.10'], searches: ['shop.svc.cluster.local'] },
  })
  t.equal(own.sent.spec.dnsPolicy, 'None')
  t.equal(own.answer.json.spec.dnsPolicy, 'ClusterFirst', 'and the tenant sees what it asked for')
  t.equal((await create({ dnsPolicy: 'ClusterFirst' })).sent.spec.dnsPolicy, 'Default')
  const subdomain = await create({ hostname: 'h', subdomain: 'svc' })
  t.equal(subdomain.sent.spec.subdomain, undefined)
  t.equal(subdomain.answer.json.spec.subdomain, 'svc')
  t.equal(subdomain.sent.spec.automountServiceAccountToken, false)
  t.equal(subdomain.sent.spec.enableServiceLinks, false)
  const fqdn = await create({ setHostnameAsFQDN: true })
  t.equal(fqdn.answer.status, 422)
  for (const fieldPath of ['metadata.namespace', 'spec.nodeName', 'status.hostIP']) {
    const leak = await create({
      containers: [{ name: 'a', image: 'b', env: [{ name: 'X', valueFrom: { fieldRef: { fieldPath } } }] }],
    })
    t.equal(leak.answer.status, 422, `rule 20: ${fieldPath} would leak inside the pod`)
  }
})
