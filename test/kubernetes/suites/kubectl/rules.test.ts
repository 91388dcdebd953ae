// Rules of the Kubernetes face that only real clusters, a real client-go or a long wait can show. The waits (80 s idle,
// 2 minutes of garbage collection) are begun first and looked at last, so that they are one.
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { Agent, request } from 'node:https'
import { text } from 'node:stream/consumers'
import { eventually } from '../../../support/eventually.ts'
import t from '../../../support/tap.ts'
import { json } from '../../../support/world/http.ts'
import { carriedPods, STAY } from '../../../support/world/workloads.ts'
import { CLUSTER_DNS } from '../../harness/node-config.ts'
import { openStage, printed, type Stage } from './stage.ts'
import { installEffectfulWebhook } from './webhook.ts'

t.setTimeout(600_000)
const NAMESPACE = 'rules'
const DNS = '10.96.0.10'
const IDLE_MS = 80_000
const COLLECTED_MS = 120_000

let stage: Stage
let idle: KeptConnection[]
let ownedSince: number

t.before(async () => {
  stage = await openStage({ tenant: 'rules', agentArgs: ['--cluster-dns', DNS] })
  await kubectl('create', 'namespace', NAMESPACE)
  idle = await Promise.all([stage.world.publicUrl(), ...gateways()].map(keepConnection))
  const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'nobody', uid: randomUUID() }
  const metadata = { name: 'owned', ownerReferences: [{ ...owner, controller: true }] }
  await feed({ ...pod('owned'), metadata }, 'create', '-f', '-')
  await stage.user.kubectl(['create', '-f', '-'], { input: JSON.stringify(replicaSet()) })
  ownedSince = Date.now()
})
t.teardown(async () => {
  for (const { agent } of idle ?? []) agent.destroy()
  await stage?.close()
})

const gateways = () => stage.world.gateways.map(({ ready }) => ready.publicUrl)
const run = (args: string[], input?: object) =>
  stage.gateway.kubectl(['-n', NAMESPACE, ...args], {
    input: input && JSON.stringify(input),
    allowFailure: true,
  })
const kubectl = async (...args: string[]) => (await stage.gateway.kubectl(['-n', NAMESPACE, ...args])).stdout
const feed = async (input: object, ...args: string[]) =>
  (await stage.gateway.kubectl(['-n', NAMESPACE, ...args], { input: JSON.stringify(input) })).stdout

function pod(name: string, fields: object = {}) {
  const containers = [{ name: 'main', image: stage.world.image, command: ['sh', '-c', STAY] }]
  const spec = { terminationGracePeriodSeconds: 1, containers, ...fields }
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec }
}

function replicaSet(): object {
  const labels = { app: 'owned' }
  const { spec } = stage.pod('', { script: STAY }) as { spec: object }
  const template = { metadata: { labels }, spec }
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: { name: 'owned' },
    spec: { replicas: 1, selector: { matchLabels: labels }, template },
  }
}

/** One connection to a gateway, over which ConfigMaps are made. */
interface KeptConnection {
  server: string
  agent: Agent
  /** The answer's status, and whether the connection was there before. */
  post(): Promise<{ status: number | undefined; reused: boolean }>
}

async function keepConnection(server: string): Promise<KeptConnection> {
  const { ca, token } = await stage.world.clientOf(stage.node)
  const agent = new Agent({ keepAlive: true, maxSockets: 1, ca })
  const post = async () => {
    const sent = request(`${server}/api/v1/namespaces/${NAMESPACE}/configmaps`, {
      method: 'POST',
      agent,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    })
    sent.end(JSON.stringify({ metadata: { generateName: 'kept-' } }))
    const [reply] = (await once(sent, 'response')) as [IncomingMessage]
    await text(reply)
    return { status: reply.statusCode, reused: sent.reusedSocket }
  }
  await post()
  return { server, agent, post }
}

interface Sent {
  method: string
  path: string
  query?: string
  contentType?: string
  status: number
}

/** Of the data plane: 1.31 has WatchList switched off. */
async function dataPlaneMinor(): Promise<number> {
  const { minor } = await json<{ minor: string }>(stage.world.dataPlane.admin, { path: '/version' })
  return Number(minor)
}

t.test(
  'rule 1: a client-go typed client, unmodified, writes by protobuf and reads back what it wrote',
  async (t) => {
    const probe = stage.gateway.probe('typed', NAMESPACE)
    t.equal(await probe.ended, 0, probe.stderr())
    const { result, requests } = JSON.parse(probe.stdout()) as {
      requests: Sent[]
      result: {
        secret: { data: object }
        configMap: { data: object; binaryData: object }
        pod: { spec: Record<string, unknown>; metadata: { labels: object } }
        listed: number
      }
    }
    t.same(result.secret.data, { bytes: Buffer.from([0, 1, 254, 255]).toString('base64') })
    t.same(result.configMap.data, { key: 'changed' })
    t.same(result.configMap.binaryData, { b: Buffer.from([255]).toString('base64') })
    t.equal(result.listed, 1)
    t.same(result.pod.metadata.labels, { patched: 'yes' })
    // Pointers to zero are present, and stay so.
    t.match(result.pod.spec, {
      automountServiceAccountToken: false,
      securityContext: { runAsUser: 0 },
      containers: [{ securityContext: { allowPrivilegeEscalation: false } }],
    })
    t.ok(
      requests.every(({ status }) => status >= 200 && status < 300),
      'nothing was refused, nothing tried again',
    )
    // client-go itself sends an Eviction as JSON.
    const writes = requests.filter(
      ({ method, path }) => ['POST', 'PUT', 'DELETE'].includes(method) && !path.endsWith('/eviction'),
    )
    t.equal(writes.length, 6)
    const expected = 'application/vnd.kubernetes.protobuf'
    for (const { method, path, contentType } of writes) t.equal(contentType, expected, `${method} ${path}`)
  },
)

t.test(
  'rule 2: a client-go informer syncs by one watch, without falling back to a list, and follows',
  async (t) => {
    const informer = stage.gateway.probe('informer', NAMESPACE)
    t.teardown(() => informer.stop())
    const events = () =>
      informer
        .stdout()
        .split('\n')
        .filter((line) => line !== '')
        .map(
          (line) => JSON.parse(line) as { event: string; name?: string; phase?: string; requests?: Sent[] },
        )
    await printed(informer, /"event":"SYNCED"/)
    const before = events()
    t.match(before, [{ event: 'ADDED', name: 'owned' }])
    await feed(pod('followed'), 'create', '-f', '-')
    await eventually(
      'it is seen to run',
      () =>
        events().some(
          ({ event, name, phase }) => event === 'MODIFIED' && name === 'followed' && phase === 'Running',
        ),
      30_000,
    )
    await kubectl('delete', 'pod', 'followed')
    await printed(informer, /"event":"DELETED".*"name":"followed"/)
    informer.stdin.end()
    t.equal(await informer.ended, 0, informer.stderr())
    const { requests = [] } = events().at(-1) ?? {}
    const seen = requests.map(({ query, status }) => {
      const { watch, sendInitialEvents } = Object.fromEntries(new URLSearchParams(query))
      return { watch, sendInitialEvents, status }
    })
    const watchList = { watch: 'true', sendInitialEvents: 'true' }
    if ((await dataPlaneMinor()) > 31) {
      t.same(seen, [{ ...watchList, status: 200 }], 'one request from the first object to the last event')
      return
    }
    // What the data plane can not serve is refused and never ignored: a client falls back only then.
    t.match(seen, [{ ...watchList, status: 422 }, { status: 200 }, { watch: 'true', status: 200 }])
    t.equal(seen.length, 3)
  },
)

t.test(
  'rule 14: a webhook with side effects: each write acts once, what needs a dry run says so',
  async (t) => {
    const webhook = await installEffectfulWebhook(stage.handles.dataPlane)
    t.teardown(() => webhook.remove())
    const dry = () => run(['create', '--dry-run=server', '-f', '-'], pod('dry'))
    const refusal = await eventually('a dry run is refused: the webhook is asked', async () => {
      const tried = await dry()
      return tried.code !== 0 && tried
    })
    t.notMatch(refusal.stderr, /t-[a-z2-7]{26}/)
    const acted = (times: number) => t.same(webhook.effects, Array(times).fill('effects'))
    // Nobody but the test writes a pod that is not scheduled.
    const held = pod('effects', { schedulingGates: [{ name: 'isthmus.test/held' }] })
    await feed(held, 'create', '-f', '-')
    acted(1)
    await kubectl('patch', 'pod', 'effects', '--type=merge', '-p', '{"metadata":{"labels":{"a":"b"}}}')
    acted(2)
    const removal = '[{"op":"remove","path":"/metadata/labels/a"}]'
    await kubectl('patch', 'pod', 'effects', '--type=json', '-p', removal)
    acted(3)
    await kubectl('label', 'pod', 'effects', 'c=d')
    acted(4)
    await feed(
      JSON.parse(await kubectl('get', 'pod', 'effects', '-o', 'json')) as object,
      'replace',
      '-f',
      '-',
    )
    acted(5)
    await kubectl('patch', 'pod', 'effects', '-p', '{"metadata":{"labels":{"e":"f"}}}')
    acted(6)
    // Only the data plane can merge an apply: it is tried by a dry run first, which the webhook refuses.
    const applied = { ...held, metadata: { name: 'effects', labels: { g: 'h' } } }
    const refused = await run(['apply', '--server-side', '-f', '-'], applied)
    t.equal(refused.code, 1)
    t.match(refused.stderr, /^Error from server/)
    t.notMatch(refused.stderr, /t-[a-z2-7]{26}/)
    acted(6)
    t.equal(await kubectl('get', 'pod', 'effects', '-o', 'jsonpath={.metadata.labels}'), '{"c":"d","e":"f"}')
    await kubectl('delete', 'pod', 'effects')
  },
)

t.test(
  'rule 21: resolv.conf and hosts in a pod are its own cluster’s, and nothing of the data plane’s',
  async (t) => {
    const { dataPlane } = stage.handles
    const named = { hostname: 'host', subdomain: 'sub' }
    await stage.apply(stage.pod('first', { script: STAY, spec: named }))
    const dnsConfig = {
      nameservers: ['192.0.2.53'],
      searches: ['example.org'],
      options: [{ name: 'ndots', value: '2' }],
    }
    await feed(pod('own', { ...named, dnsConfig }), 'create', '-f', '-')
    await feed(pod('none', named), 'create', '-f', '-')
    await stage.ready('first')
    await kubectl('wait', '--for=condition=Ready', 'pod/own', 'pod/none', '--timeout=50s')
    // What a pod of the data plane's own gets: the test sees it where it is.
    await dataPlane.apply([{ ...pod('resolves', {}), metadata: { name: 'resolves', namespace: 'default' } }])
    await dataPlane.kubectl(['wait', '--for=condition=Ready', 'pod/resolves', '--timeout=50s'])
    const cat = (path: string) => ['--', 'cat', path]
    const theirs = (await dataPlane.kubectl(['exec', 'resolves', ...cat('/etc/resolv.conf')])).stdout
    await dataPlane.kubectl(['delete', 'pod', 'resolves', '--wait=false'])
    t.match(theirs, new RegExp(`^nameserver ${CLUSTER_DNS}$`, 'm'))
    const files = async (face: Stage['user'], namespace: string, name: string) => {
      const read = async (path: string) =>
        (await face.kubectl(['-n', namespace, 'exec', name, ...cat(path)])).stdout
      return { resolv: await read('/etc/resolv.conf'), hosts: await read('/etc/hosts') }
    }
    const first = await files(stage.user, 'default', 'first')
    t.equal(
      first.resolv,
      `search default.svc.cluster.local svc.cluster.local cluster.local\nnameserver ${DNS}\noptions ndots:5\n`,
    )
    const own = await files(stage.gateway, NAMESPACE, 'own')
    t.equal(own.resolv, 'search example.org\nnameserver 192.0.2.53\noptions ndots:2\n')
    const none = await files(stage.gateway, NAMESPACE, 'none')
    t.notMatch(none.resolv, /svc|cluster\.local/)
    for (const { resolv, hosts } of [first, own, none]) {
      t.notOk(resolv.includes(CLUSTER_DNS), 'the DNS of the data plane is not asked')
      t.notMatch(resolv + hosts, /t-[a-z2-7]{26}|data-plane/)
      t.match(hosts, /^[\d.]+\thost$/m, 'the pod’s name for itself has no namespace in it')
    }
  },
)

t.test('rule 3: a POST on a connection that was idle for 80 s is answered on that connection', async (t) => {
  await eventually('the connections are old enough', () => Date.now() - ownedSince > IDLE_MS, IDLE_MS + 5_000)
  for (const { server, post } of idle) t.same(await post(), { status: 201, reused: true }, server)
})

t.test('rule 17: pods with an owner of the user’s cluster are alive after 2 minutes', async (t) => {
  const name = await stage.user.kubectl([
    'get',
    'pods',
    '-l',
    'app=owned',
    '-o',
    'jsonpath={.items[*].metadata.name}',
  ])
  const names = [name.stdout, 'owned']
  const carried = async () =>
    (await carriedPods(stage.world.dataPlane)).filter(({ metadata }) => names.includes(metadata.name))
  const before = await carried()
  t.equal(before.length, 2)
  await eventually(
    'two minutes have passed',
    () => Date.now() - ownedSince > COLLECTED_MS,
    COLLECTED_MS + 5_000,
  )
  const after = await carried()
  t.same(after.map(({ metadata }) => metadata.uid).sort(), before.map(({ metadata }) => metadata.uid).sort())
  for (const { metadata, status } of after) {
    t.notOk(metadata.deletionTimestamp, metadata.name)
    t.equal(status.phase, 'Running', metadata.name)
    t.notOk('ownerReferences' in metadata, 'the data plane’s garbage collector sees no owner')
  }
  const kept = 'jsonpath={.metadata.ownerReferences[0].name}'
  t.equal(await kubectl('get', 'pod', 'owned', '-o', kept), 'nobody', 'its owner sees it')
})
