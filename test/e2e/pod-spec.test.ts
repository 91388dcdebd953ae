import { eventually } from '../support/eventually.ts'
import t from '../support/tap.ts'
import { http, json } from '../support/world/http.ts'
import {
  carriedPods,
  create,
  isReady,
  type Pod,
  podFor,
  readPod,
  removePod,
  STAY,
  untilNodeReady,
  untilPod,
} from '../support/world/workloads.ts'
import { openWorld, type World } from '../support/world/world.ts'

/** What a pod's spec asks for, from the user's cluster to the process in the data plane and back. */
const NAMESPACE = 'default'
const pods = `/api/v1/namespaces/${NAMESPACE}/pods`

let world: World

t.before(async () => {
  world = await openWorld({ userClusters: 1 })
  const node = await world.addNode('spec', 'east')
  await world.startAgent(node, world.userClusters[0]!)
  await untilNodeReady(world.userClusters[0]!, 'east')
})
t.teardown(() => world?.close())

const user = () => world.userClusters[0]!.admin
// biome-ignore lint/suspicious/noExplicitAny: tests read deep into objects of every kind
type Loose = any

async function logOf(name: string, ends: string, container = 'main'): Promise<string> {
  return eventually(
    `the log of ${name} ends with ${ends}`,
    async () => {
      const reply = await http(user(), { path: `${pods}/${name}/log?container=${container}` })
      return reply.status === 200 && reply.text.trimEnd().endsWith(ends) && reply.text
    },
    60_000,
  )
}

const patch = (name: string, body: object, subresource = '') =>
  json<Loose>(user(), {
    method: 'PATCH',
    path: `${pods}/${name}${subresource}`,
    headers: { 'content-type': 'application/strategic-merge-patch+json' },
    body,
  })

t.test(
  'environment: order, expansion, envFrom, every field of the downward API, the own API server',
  async (t) => {
    await create(user(), NAMESPACE, 'configmaps', {
      metadata: { name: 'spec-env' },
      data: { a: 'from', b: 'map' },
    })
    await create(user(), NAMESPACE, 'secrets', {
      metadata: { name: 'spec-env' },
      stringData: { word: 'hidden' },
    })
    const field = (name: string, fieldPath: string) => ({ name, valueFrom: { fieldRef: { fieldPath } } })
    const resource = (name: string, path: string, divisor: string) => ({
      name,
      valueFrom: { resourceFieldRef: { resource: path, divisor } },
    })
    const env = [
      { name: 'FIRST', value: '1' },
      { name: 'SECOND', value: '$(FIRST)2 $(LATER) $$(FIRST)' },
      { name: 'LATER', value: '3' },
      { name: 'P_b', value: 'own' },
      { name: 'MIXED', value: '$(P_a)-$(WORD)' },
      { name: 'WORD', valueFrom: { secretKeyRef: { name: 'spec-env', key: 'word' } } },
      { name: 'MIXED2', value: '$(P_a)-$(WORD)' },
      { name: 'MAYBE', valueFrom: { configMapKeyRef: { name: 'not-there', key: 'x', optional: true } } },
      field('NAME', 'metadata.name'),
      field('NAMESPACE', 'metadata.namespace'),
      field('UID_', 'metadata.uid'),
      field('LABEL', "metadata.labels['app']"),
      field('NOTE', "metadata.annotations['note']"),
      field('NODE', 'spec.nodeName'),
      field('ACCOUNT', 'spec.serviceAccountName'),
      field('HOST_IP', 'status.hostIP'),
      field('HOST_IPS', 'status.hostIPs'),
      field('POD_IP', 'status.podIP'),
      resource('CPU', 'limits.cpu', '1m'),
      resource('MEMORY', 'limits.memory', '1Mi'),
      resource('REQUEST', 'requests.cpu', '1m'),
    ]
    const container = {
      env,
      envFrom: [{ prefix: 'P_', configMapRef: { name: 'spec-env' } }],
      resources: { requests: { cpu: '50m', memory: '32Mi' }, limits: { cpu: '150m', memory: '64Mi' } },
    }
    const pod: Loose = podFor(world, 'east', 'env', {
      script: `env; echo end; ${STAY}`,
      container,
      labels: { app: 'x' },
    })
    pod.metadata.annotations = { note: 'a $(FIRST) note' }
    const made = await create<Pod>(user(), NAMESPACE, 'pods', pod)
    const ready: Loose = await untilPod(user(), NAMESPACE, 'env', 'is Ready', isReady, 60_000)
    const seen = new Map(
      (await logOf('env', 'end')).split('\n').map((line): [string, string] => {
        const at = line.indexOf('=')
        return [line.slice(0, at), line.slice(at + 1)]
      }),
    )
    const address = world.userClusters[0]!.nodeAddress
    const wanted: Record<string, string | undefined> = {
      SECOND: '12 $(LATER) $(FIRST)',
      P_a: 'from',
      P_b: 'own',
      MIXED: 'from-$(WORD)',
      MIXED2: 'from-hidden',
      MAYBE: undefined,
      NAME: 'env',
      NAMESPACE,
      UID_: made.metadata.uid,
      LABEL: 'x',
      NOTE: 'a $(FIRST) note',
      NODE: 'east',
      ACCOUNT: 'default',
      HOST_IP: address,
      HOST_IPS: address,
      POD_IP: ready.status.podIP,
      CPU: '150',
      MEMORY: '64',
      REQUEST: '50',
    }
    for (const [name, value] of Object.entries(wanted)) t.equal(seen.get(name), value, name)
    t.ok(seen.get('KUBERNETES_SERVICE_HOST'), 'the service environment')
    t.equal(ready.status.hostIP, address)
    await removePod(user(), NAMESPACE, 'env')
  },
)

t.test(
  'volumes: projected, configMap, secret, downwardAPI, emptyDir, with items, modes and subPath',
  async (t) => {
    const binary = Buffer.from([0xff, 0x00, 0x41]).toString('base64')
    await create(user(), NAMESPACE, 'configmaps', {
      metadata: { name: 'spec-files' },
      data: { one: 'first', two: 'second' },
      binaryData: { bin: binary },
    })
    await create(user(), NAMESPACE, 'secrets', {
      metadata: { name: 'spec-files' },
      stringData: { key: 'sesame' },
    })
    const volumes = [
      { name: 'maps', configMap: { name: 'spec-files', items: [{ key: 'one', path: 'deep/one' }] } },
      { name: 'keys', secret: { secretName: 'spec-files', defaultMode: 0o400 } },
      {
        name: 'about',
        downwardAPI: {
          items: [
            { path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } },
            { path: 'uid', fieldRef: { fieldPath: 'metadata.uid' } },
            {
              path: 'cpu',
              resourceFieldRef: { containerName: 'main', resource: 'limits.cpu', divisor: '1m' },
            },
          ],
        },
      },
      {
        name: 'all',
        projected: {
          sources: [
            { configMap: { name: 'spec-files' } },
            { secret: { name: 'spec-files', items: [{ key: 'key', path: 'secret-key' }] } },
            { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
            {
              downwardAPI: { items: [{ path: 'namespace', fieldRef: { fieldPath: 'metadata.namespace' } }] },
            },
            { serviceAccountToken: { path: 'token', expirationSeconds: 600 } },
            { configMap: { name: 'never-there', optional: true } },
          ],
        },
      },
      { name: 'disk', emptyDir: {} },
      { name: 'memory', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } },
    ]
    const paths = {
      maps: '/v/maps',
      keys: '/v/keys',
      about: '/v/about',
      all: '/v/all',
      disk: '/v/disk',
      memory: '/v/mem',
    }
    const volumeMounts = [
      ...Object.entries(paths).map(([name, mountPath]) => ({ name, mountPath })),
      { name: 'all', mountPath: '/v/sub', subPath: 'two' },
    ]
    const root = '$SANDBOX_ROOT/v'
    const script = [
      ...[
        'maps/deep/one',
        'keys/key',
        'about/uid',
        'about/cpu',
        'all/one',
        'all/secret-key',
        'all/namespace',
        'sub',
      ].map((file) => `echo "${file}=$(cat ${root}/${file})"`),
      `echo "labels=$(grep app ${root}/about/labels)"`,
      `echo "bin=$(wc -c < ${root}/all/bin | tr -d ' ')"`,
      `echo "ca=$(grep -c BEGIN ${root}/all/ca.crt)"`,
      `echo "token=$(cut -d. -f2 ${root}/all/token)"`,
      `echo kept > ${root}/disk/x; echo kept > ${root}/mem/x`,
      `echo "empty=$(cat ${root}/disk/x)$(cat ${root}/mem/x)"`,
      'echo end',
      STAY,
    ].join('; ')
    const container = { volumeMounts, resources: { limits: { cpu: '150m' } } }
    const pod = podFor(world, 'east', 'files', { script, container, volumes, labels: { app: 'files' } })
    const made = await create<Pod>(user(), NAMESPACE, 'pods', pod)
    await untilPod(user(), NAMESPACE, 'files', 'is Ready', isReady, 90_000)
    const seen = new Map(
      (await logOf('files', 'end')).split('\n').map((line) => line.split('=', 2) as [string, string]),
    )
    const wanted = {
      'maps/deep/one': 'first',
      'keys/key': 'sesame',
      'about/uid': made.metadata.uid,
      'about/cpu': '150',
      'all/one': 'first',
      'all/secret-key': 'sesame',
      'all/namespace': NAMESPACE,
      sub: 'second',
      bin: '3',
      ca: '1',
      empty: 'keptkept',
    }
    for (const [name, value] of Object.entries(wanted)) t.equal(seen.get(name), value, name)
    t.equal(seen.get('labels'), 'app', 'a line of labels, `app="files"`')
    const claims = JSON.parse(Buffer.from(seen.get('token') ?? '', 'base64url').toString())
    t.equal(claims['kubernetes.io'].pod.uid, made.metadata.uid, 'the token is bound to the user’s pod')
    await removePod(user(), NAMESPACE, 'files')
  },
)

t.test('init containers in order, a sidecar, hooks and probes; an ephemeral container joins', async (t) => {
  const shared = { volumeMounts: [{ name: 'shared', mountPath: '/shared' }] }
  const sh = (name: string, script: string, more: object = {}) => ({
    ...{ name, image: world.image, command: ['sh', '-c', script] },
    ...shared,
    ...more,
  })
  const dir = '$SANDBOX_ROOT/shared'
  const probe = (script: string, more: object = {}) => ({
    exec: { command: ['sh', '-c', script] },
    periodSeconds: 1,
    ...more,
  })
  const main = {
    ...shared,
    lifecycle: {
      postStart: { exec: { command: ['sh', '-c', `echo started >> ${dir}/order`] } },
      preStop: { exec: { command: ['sh', '-c', `echo stopping >> ${dir}/order; sleep 0.2`] } },
    },
    startupProbe: probe(`test -f ${dir}/order`, { failureThreshold: 30 }),
    readinessProbe: probe(`test -f ${dir}/ready`),
    livenessProbe: probe('true'),
  }
  const spec = {
    terminationGracePeriodSeconds: 5,
    initContainers: [
      sh('one', `echo one >> ${dir}/order`),
      sh('side', `echo side >> ${dir}/order; ${STAY}`, { restartPolicy: 'Always' }),
      sh('two', `echo two >> ${dir}/order`),
    ],
  }
  const volumes = [{ name: 'shared', emptyDir: {} }]
  await create(
    user(),
    NAMESPACE,
    'pods',
    podFor(world, 'east', 'kinds', { script: STAY, container: main, volumes, spec }),
  )
  const started: Loose = await untilPod(
    user(),
    NAMESPACE,
    'kinds',
    'has started and is not Ready',
    (pod: Loose) => pod.status.containerStatuses?.[0]?.started === true && !isReady(pod),
    90_000,
  )
  t.match(
    started.status.initContainerStatuses.map(({ name, started }: Loose) => `${name} ${started}`),
    ['one false', 'side true', 'two false'],
  )
  t.equal(started.status.initContainerStatuses[0].state.terminated.exitCode, 0)

  const debug = {
    name: 'debug',
    image: world.image,
    command: ['sh', '-c', `cat ${dir}/order; echo end`],
    ...shared,
  }
  await patch(
    'kinds',
    { spec: { ephemeralContainers: [{ ...debug, targetContainerName: undefined }] } },
    '/ephemeralcontainers',
  )
  t.match(await logOf('kinds', 'end', 'debug'), /^one\nside\ntwo\n(started\n)?/)
  await untilPod(
    user(),
    NAMESPACE,
    'kinds',
    'tells how the ephemeral container ended',
    (pod: Loose) => pod.status.ephemeralContainerStatuses?.[0]?.state.terminated?.exitCode === 0,
    60_000,
  )
  const open = {
    name: 'open',
    image: world.image,
    command: ['sh', '-c', `touch ${dir}/ready; echo end`],
    ...shared,
  }
  await patch('kinds', { spec: { ephemeralContainers: [debug, open] } }, '/ephemeralcontainers')
  const ready = await untilPod(user(), NAMESPACE, 'kinds', 'is Ready', isReady, 60_000)
  t.ok(isReady(ready), 'its readiness probe decides')
  await removePod(user(), NAMESPACE, 'kinds')
})

t.test(
  'labels, annotations, tolerations and the deadline that change are brought along; the deadline ends the pod',
  async (t) => {
    await create(
      user(),
      NAMESPACE,
      'pods',
      podFor(world, 'east', 'changes', { script: STAY, labels: { old: 'yes' } }),
    )
    await untilPod(user(), NAMESPACE, 'changes', 'is Ready', isReady, 60_000)
    const before = (await carriedPods(world.dataPlane, 'changes'))[0]?.metadata.uid
    await patch('changes', {
      metadata: { labels: { fresh: 'yes', old: null }, annotations: { note: 'new' } },
    })
    const carried: Loose = await eventually('the labels', async () => {
      const [pod]: Loose[] = await carriedPods(world.dataPlane, 'changes')
      return pod?.metadata.labels.fresh === 'yes' && pod
    })
    t.equal(carried.metadata.uid, before, 'the same pod')
    t.equal(carried.metadata.labels.old, undefined)
    t.equal(carried.metadata.annotations.note, 'new')
    const key = 'node.kubernetes.io/unreachable'
    const present: Loose = await readPod(user(), NAMESPACE, 'changes')
    const tolerations = [
      ...present.spec.tolerations,
      { key, operator: 'Exists', effect: 'NoSchedule' },
      { key: 'example.com/users-own', operator: 'Exists' },
    ]
    await patch('changes', { spec: { tolerations } })
    await patch('changes', { spec: { activeDeadlineSeconds: 1 } })
    const ended: Loose = await untilPod(
      user(),
      NAMESPACE,
      'changes',
      'is Failed by its deadline',
      (pod) => pod.status.phase === 'Failed',
      60_000,
    )
    t.equal(ended.status.reason, 'DeadlineExceeded')
    const [last]: Loose[] = await carriedPods(world.dataPlane, 'changes')
    t.ok(last.spec.tolerations.some((each: Loose) => each.key === key && each.effect === 'NoSchedule'))
    t.notOk(last.spec.tolerations.some((each: Loose) => each.key === 'example.com/users-own'))
    await removePod(user(), NAMESPACE, 'changes')
  },
)

t.test(
  'a termination message and exit codes come back; OnFailure runs again until it ends well',
  async (t) => {
    const script = `echo my last words > "\${SANDBOX_TERMINATION_LOG:-/dev/termination-log}"; exit 3`
    await create(
      user(),
      NAMESPACE,
      'pods',
      podFor(world, 'east', 'words', { script, spec: { restartPolicy: 'Never' } }),
    )
    const words: Loose = await untilPod(
      user(),
      NAMESPACE,
      'words',
      'is Failed',
      (pod) => pod.status.phase === 'Failed',
      60_000,
    )
    t.match(words.status.containerStatuses[0].state.terminated, { exitCode: 3, reason: 'Error' })
    t.match(words.status.containerStatuses[0].state.terminated.message, /my last words/)
    const volumes = [{ name: 'v', emptyDir: {} }]
    const twice = 'f=$SANDBOX_ROOT/v/once; test -f $f || { touch $f; exit 1; }'
    const container = { volumeMounts: [{ name: 'v', mountPath: '/v' }] }
    const spec = { restartPolicy: 'OnFailure' }
    await create(
      user(),
      NAMESPACE,
      'pods',
      podFor(world, 'east', 'twice', { script: twice, container, volumes, spec }),
    )
    const ended: Loose = await untilPod(
      user(),
      NAMESPACE,
      'twice',
      'is Succeeded',
      (pod) => pod.status.phase === 'Succeeded',
      90_000,
    )
    t.equal(ended.status.containerStatuses[0].restartCount, 1)
    for (const name of ['words', 'twice']) await removePod(user(), NAMESPACE, name)
  },
)

t.test('200 variables, a ConfigMap of 1 MiB and names at the length limit', async (t) => {
  const name = `${'n'.repeat(62)}.${'m'.repeat(63)}.${'k'.repeat(60)}`
  const map = `${'c'.repeat(63)}.${'d'.repeat(63)}.${'e'.repeat(63)}.${'f'.repeat(61)}`
  t.equal(map.length, 253)
  await create(user(), NAMESPACE, 'configmaps', {
    metadata: { name: map },
    data: { big: 'x'.repeat(1_048_000) },
  })
  const env = Array.from({ length: 200 }, (_, index) => ({
    name: `V_${index}`,
    value: `$(V_${index - 1})${index % 10}`,
  }))
  const long = 'l'.repeat(63)
  const container = {
    name: long,
    env,
    volumeMounts: [{ name: long, mountPath: '/big' }],
  }
  const volumes = [{ name: long, configMap: { name: map } }]
  const script = `echo "$V_199" | wc -c; wc -c < $SANDBOX_ROOT/big/big; echo end; ${STAY}`
  await create(user(), NAMESPACE, 'pods', podFor(world, 'east', name, { script, container, volumes }))
  await untilPod(user(), NAMESPACE, name, 'is Ready', isReady, 120_000)
  const [chain, size] = (await logOf(name, 'end', long)).split('\n')
  t.equal(Number(chain), 200 + '$(V_-1)'.length + 1, 'each variable holds the one before')
  t.equal(Number(size), 1_048_000)
  await removePod(user(), NAMESPACE, name)
})
