import { eventually } from '../support/eventually.ts'
import t from '../support/tap.ts'
import { http, json, readLines } from '../support/world/http.ts'
import { exec, getThroughPort } from '../support/world/streams.ts'
import {
  carriedPods,
  create,
  isReady,
  podFor,
  readPod,
  removePod,
  STAY,
  untilNodeReady,
  untilPod,
} from '../support/world/workloads.ts'
import { openWorld, type TestNode, type World } from '../support/world/world.ts'

const NAMESPACE = 'default'
const PORT = 18_080

interface ConfigMap {
  metadata: { namespace: string; uid: string; resourceVersion: string }
  data: Record<string, string>
}

let world: World
let node: TestNode

t.before(async () => {
  world = await openWorld()
  node = await world.addNode('workload', 'east')
  await world.startAgent(node, world.userClusters[0]!)
  await untilNodeReady(world.userClusters[0]!, 'east')
})
t.teardown(() => world?.close())

const user = () => world.userClusters[0]!.admin

t.test(
  'a pod bound in the user’s cluster runs in the data plane with its ConfigMap and Secret',
  async (t) => {
    await create(user(), NAMESPACE, 'configmaps', {
      metadata: { name: 'config' },
      data: { colour: 'green', greeting: 'hello' },
    })
    await create(user(), NAMESPACE, 'secrets', {
      metadata: { name: 'secret' },
      stringData: { password: 'xyzzy' },
    })
    const script = `echo "colour $COLOUR"; cat $SANDBOX_ROOT/etc/secret/password; echo; ${STAY}`
    const container = {
      env: [{ name: 'COLOUR', valueFrom: { configMapKeyRef: { name: 'config', key: 'colour' } } }],
      volumeMounts: [
        { name: 'config', mountPath: '/etc/config' },
        { name: 'secret', mountPath: '/etc/secret' },
      ],
    }
    const volumes = [
      { name: 'config', configMap: { name: 'config' } },
      { name: 'secret', secret: { secretName: 'secret' } },
    ]
    await create(user(), NAMESPACE, 'pods', podFor(world, 'east', 'first', { script, container, volumes }))
    const pod = await untilPod(user(), NAMESPACE, 'first', 'is Running and Ready', isReady, 60_000)
    t.equal(pod.spec.nodeName, 'east')
    const [carried, ...others] = await carriedPods(world.dataPlane, 'first')
    t.same(others, [])
    t.match(carried?.metadata.namespace, /^t-[a-z2-7]{26}$/)
    t.not(carried?.metadata.uid, pod.metadata.uid)
    const log = await eventually('the log has both lines', async () => {
      const reply = await http(user(), { path: `/api/v1/namespaces/${NAMESPACE}/pods/first/log` })
      return reply.text.includes('xyzzy') && reply.text
    })
    t.match(log, /^colour green\nxyzzy\n/)
  },
)

t.test('no value of a Secret is in the pod’s spec in the data plane', async (t) => {
  const [carried] = await carriedPods(world.dataPlane, 'first')
  t.notMatch(JSON.stringify(carried), /xyzzy/)
})

t.test('exec gives back output, error output and exit code, and stdin to its end', async (t) => {
  const run = (command: string[], stdin?: string) =>
    exec(user(), { namespace: NAMESPACE, pod: 'first', command, stdin })
  t.match(await run(['sh', '-c', 'echo out; echo err >&2; exit 7']), {
    stdout: 'out\n',
    stderr: 'err\n',
    code: 7,
  })
  t.match(await run(['cat'], 'to the end'), { stdout: 'to the end', code: 0 })
})

t.test('a followed log arrives while it is written', async (t) => {
  const script = 'i=0; while true; do i=$((i+1)); echo line $i; sleep 0.1; done'
  await create(user(), NAMESPACE, 'pods', podFor(world, 'east', 'talker', { script }))
  await untilPod(user(), NAMESPACE, 'talker', 'is Ready', isReady, 60_000)
  const path = `/api/v1/namespaces/${NAMESPACE}/pods/talker/log`
  const lines = await readLines(user(), `${path}?follow=true&tailLines=0`, (all) => all.length >= 5)
  t.match(lines[0], /^line \d+$/)
  const none = await http(user(), { path: `${path}?tailLines=0` })
  t.equal(none.text, '')
  // Of a log at rest: one that is being written may grow between the seek and the end.
  const last = await http(user(), { path: `/api/v1/namespaces/${NAMESPACE}/pods/first/log?tailLines=1` })
  t.equal(last.text, 'xyzzy\n')
  await removePod(user(), NAMESPACE, 'talker')
})

t.test('a port-forwarded HTTP request is answered by the pod', async (t) => {
  const answer = `require("http").createServer((q,s)=>s.end("through the isthmus")).listen(${PORT})`
  const command =
    world.kind === 'sandbox'
      ? ['node', '-e', answer]
      : [
          'sh',
          '-c',
          `mkdir /www && echo through the isthmus > /www/index.html && httpd -f -p ${PORT} -h /www`,
        ]
  await create(
    user(),
    NAMESPACE,
    'pods',
    podFor(world, 'east', 'server', { script: '', container: { command } }),
  )
  await untilPod(user(), NAMESPACE, 'server', 'is Ready', isReady, 60_000)
  const reply = await eventually('the server answers', () =>
    getThroughPort(user(), NAMESPACE, 'server', PORT),
  )
  t.match(reply, /^HTTP\/1\.[01] 200/)
  t.match(reply, /through the isthmus/)
})

t.test('an edited ConfigMap is seen in the running pod’s volume', async (t) => {
  await json(user(), {
    method: 'PATCH',
    path: `/api/v1/namespaces/${NAMESPACE}/configmaps/config`,
    headers: { 'content-type': 'application/merge-patch+json' },
    body: { data: { greeting: 'good evening' } },
  })
  const command = ['sh', '-c', 'cat $SANDBOX_ROOT/etc/config/greeting']
  // A kubelet shows a change at its next sync: up to 90 s later.
  await eventually(
    'the volume shows the edit',
    async () =>
      (await exec(user(), { namespace: NAMESPACE, pod: 'first', command })).stdout === 'good evening',
    120_000,
  )
  t.pass('seen')
})

t.test(
  'a container that ends and starts again keeps its counts, and --previous shows the log before',
  async (t) => {
    const script = `if [ -e $SANDBOX_ROOT/data/x ]; then echo second; ${STAY}; fi; touch $SANDBOX_ROOT/data/x; echo first; exit 3`
    const container = { volumeMounts: [{ name: 'data', mountPath: '/data' }] }
    const volumes = [{ name: 'data', emptyDir: {} }]
    await create(user(), NAMESPACE, 'pods', podFor(world, 'east', 'phoenix', { script, container, volumes }))
    const restarted = await untilPod(
      user(),
      NAMESPACE,
      'phoenix',
      'has restarted',
      (pod) => isReady(pod) && pod.status.containerStatuses?.[0]?.restartCount === 1,
      90_000,
    )
    t.equal(restarted.status.phase, 'Running')
    const previous = await http(user(), {
      path: `/api/v1/namespaces/${NAMESPACE}/pods/phoenix/log?previous=true`,
    })
    t.equal(previous.text, 'first\n')
    await removePod(user(), NAMESPACE, 'phoenix')
  },
)

t.test('a pod that ends by itself is Succeeded or Failed in the user’s cluster', async (t) => {
  for (const [name, code, phase] of [
    ['good', 0, 'Succeeded'],
    ['bad', 4, 'Failed'],
  ] as const) {
    const options = { script: `exit ${code}`, spec: { restartPolicy: 'Never' } }
    await create(user(), NAMESPACE, 'pods', podFor(world, 'east', name, options))
    const pod = await untilPod(
      user(),
      NAMESPACE,
      name,
      `is ${phase}`,
      ({ status }) => status.phase === phase,
      60_000,
    )
    t.equal(isReady(pod), false)
    await removePod(user(), NAMESPACE, name)
  }
})

t.test('a Secret that comes later lets the pod run; until then it says what is missing', async (t) => {
  const container = { env: [{ name: 'LATE', valueFrom: { secretKeyRef: { name: 'late', key: 'k' } } }] }
  await create(user(), NAMESPACE, 'pods', podFor(world, 'east', 'patient', { script: STAY, container }))
  await untilPod(user(), NAMESPACE, 'patient', 'names the Secret', ({ status }) =>
    JSON.stringify(status).includes('late'),
  )
  t.equal((await readPod(user(), NAMESPACE, 'patient'))?.status.phase, 'Pending')
  await create(user(), NAMESPACE, 'secrets', { metadata: { name: 'late' }, stringData: { k: 'v' } })
  await untilPod(user(), NAMESPACE, 'patient', 'runs', isReady, 90_000)
  await removePod(user(), NAMESPACE, 'patient')
})

t.test('a deleted pod is gone from the data plane before it is gone from the user’s cluster', async (t) => {
  await removePod(user(), NAMESPACE, 'first')
  t.same(await carriedPods(world.dataPlane, 'first'), [])
})

t.test(
  'two virtual nodes of one cluster keep copies of the same object, and neither touches the other’s',
  async (t) => {
    const second = await world.addNode('workload', 'north')
    await world.startAgent(second, world.userClusters[0]!)
    await untilNodeReady(world.userClusters[0]!, 'north')
    await create(user(), NAMESPACE, 'configmaps', { metadata: { name: 'shared' }, data: { greeting: 'one' } })
    const container = {
      env: [{ name: 'G', valueFrom: { configMapKeyRef: { name: 'shared', key: 'greeting' } } }],
    }
    for (const on of ['east', 'north']) {
      await create(user(), NAMESPACE, 'pods', podFor(world, on, `on-${on}`, { script: STAY, container }))
    }
    for (const on of ['east', 'north'])
      await untilPod(user(), NAMESPACE, `on-${on}`, 'is Ready', isReady, 60_000)
    const copies = async () => {
      const path = '/api/v1/configmaps?fieldSelector=metadata.name%3Dshared'
      return (await json<{ items: ConfigMap[] }>(world.dataPlane.admin, { path })).items
    }
    const [one, two, ...more] = await copies()
    t.same(more, [])
    t.not(one?.metadata.namespace, two?.metadata.namespace)
    await json(user(), {
      method: 'PATCH',
      path: `/api/v1/namespaces/${NAMESPACE}/configmaps/shared`,
      headers: { 'content-type': 'application/merge-patch+json' },
      body: { data: { greeting: 'two' } },
    })
    const edited = await eventually('both copies have the edit', async () => {
      const now = await copies()
      return now.length === 2 && now.every(({ data }) => data.greeting === 'two') && now
    })
    await removePod(user(), NAMESPACE, 'on-east')
    const versionOf = (list: ConfigMap[], uid?: string) =>
      list.find(({ metadata }) => metadata.uid === uid)?.metadata.resourceVersion
    const [carried] = await carriedPods(world.dataPlane, 'on-north')
    const left = edited.find(({ metadata }) => metadata.namespace === carried?.metadata.namespace)
    t.equal(versionOf(await copies(), left?.metadata.uid), left?.metadata.resourceVersion)
    await removePod(user(), NAMESPACE, 'on-north')
  },
)

t.test('another user’s cluster with the same names sees nothing of it', async (t) => {
  const other = await world.addNode('workload-other', 'west')
  await world.startAgent(other, world.userClusters[1]!)
  await untilNodeReady(world.userClusters[1]!, 'west')
  const stranger = world.userClusters[1]!.admin
  await create(stranger, NAMESPACE, 'pods', podFor(world, 'west', 'server', { script: STAY }))
  await untilPod(stranger, NAMESPACE, 'server', 'is Ready', isReady, 60_000)
  const [one, two] = await carriedPods(world.dataPlane, 'server')
  t.not(one?.metadata.namespace, two?.metadata.namespace)
  const direct = await world.clientOf(other)
  const seen = await json<{ items: { metadata: { name: string } }[] }>(direct, { path: '/api/v1/pods' })
  t.same(
    seen.items.map(({ metadata }) => metadata.name),
    ['server'],
  )
  const missing = await http(direct, { path: `/api/v1/namespaces/${NAMESPACE}/pods/phoenix` })
  t.equal(missing.status, 404)
})
