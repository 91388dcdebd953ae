// Two tenants, each with a cluster, a node and objects of the same names; and what one of them sees of its quota.
import { eventually } from '../../../support/eventually.ts'
import t from '../../../support/tap.ts'
import { http, json } from '../../../support/world/http.ts'
import { carriedPods, STAY } from '../../../support/world/workloads.ts'
import { enterSecond, type Face, openStage, type Stage } from './stage.ts'

t.setTimeout(600_000)
const NAMESPACE = 'shop'
const QUOTA = { pods: '20', 'requests.cpu': '8', 'requests.memory': '8Gi', 'limits.cpu': '2' }

interface Tenant {
  stage: Stage
  colour: string
  password: string
}

const tenants: Tenant[] = []
t.before(async () => {
  const first = await openStage({ tenant: 'one', quota: QUOTA })
  tenants.push({ stage: first, colour: 'green', password: 'xyzzy' })
  const second = await enterSecond(first, { tenant: 'two' })
  tenants.push({ stage: second, colour: 'red', password: 'plugh' })
})
t.teardown(() => tenants[0]?.stage.close())

const metadata = (name: string) => ({ name, namespace: NAMESPACE })

/** The same objects for both: only what is in the ConfigMap and the Secret differs. */
function objects({ stage, colour, password }: Tenant): object[] {
  const container = { envFrom: [{ configMapRef: { name: 'shop' } }, { secretRef: { name: 'shop' } }] }
  const { spec } = stage.pod('', { script: `echo "$COLOUR $PASSWORD"; ${STAY}`, container }) as {
    spec: object
  }
  const labels = { app: 'shop' }
  return [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } },
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: metadata('shop'), data: { COLOUR: colour } },
    { apiVersion: 'v1', kind: 'Secret', metadata: metadata('shop'), stringData: { PASSWORD: password } },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: metadata('shop'),
      spec: { replicas: 2, selector: { matchLabels: labels }, template: { metadata: { labels }, spec } },
    },
    { apiVersion: 'v1', kind: 'Pod', metadata: metadata('twin'), spec },
  ]
}

const run = (face: Face, ...args: string[]) =>
  face.kubectl(['-n', NAMESPACE, ...args], { allowFailure: true, timeoutMs: 120_000 })
const print = async (face: Face, ...args: string[]) =>
  (await face.kubectl(['-n', NAMESPACE, ...args], { timeoutMs: 120_000 })).stdout
const lines = async (face: Face, ...args: string[]) =>
  (await print(face, ...args, '-o', 'name')).split('\n').filter((line) => line !== '')
const uidOf = (face: Face, object: string) => print(face, 'get', object, '-o', 'jsonpath={.metadata.uid}')

t.test('two tenants run objects of the same names; each pod has its own tenant’s values', async (t) => {
  await Promise.all(tenants.map((tenant) => tenant.stage.apply(...objects(tenant))))
  for (const { stage, colour, password } of tenants) {
    await print(stage.user, 'rollout', 'status', 'deployment/shop', '--timeout=110s')
    await print(stage.user, 'wait', '--for=condition=Ready', 'pod/twin', '--timeout=60s')
    const pods = await lines(stage.user, 'get', 'pods')
    t.equal(pods.length, 3)
    for (const pod of pods) {
      const log = await eventually('the log is there', () => print(stage.user, 'logs', pod))
      t.equal(log, `${colour} ${password}\n`, pod)
    }
  }
  const carried = await carriedPods(tenants[0]!.stage.world.dataPlane, 'twin')
  t.equal(carried.length, 2)
  t.equal(new Set(carried.map((pod) => pod.metadata.namespace)).size, 2, 'in namespaces apart')
})

for (const end of [0, 1] as const) {
  const where = end === 0 ? 'each in its user cluster' : 'each with its credential at the gateway'
  const faces = () => tenants.map(({ stage }) => stage.faces[end]) as [Face, Face]

  t.test(`kubectl shows each tenant its own objects and none of the other's (${where})`, async (t) => {
    const uids: string[] = []
    for (const [index, face] of faces().entries()) {
      const { colour, password } = tenants[index]!
      const pods = await lines(face, 'get', 'pods', '-A')
      t.equal(pods.length, 3)
      t.ok(pods.includes('pod/twin'))
      t.equal(await print(face, 'exec', 'twin', '--', 'sh', '-c', 'echo $COLOUR'), `${colour}\n`)
      t.equal(await print(face, 'logs', 'twin'), `${colour} ${password}\n`)
      const maps = await print(face, 'get', 'configmaps', '-o', 'jsonpath={.items[*].data.COLOUR}')
      t.equal(maps, colour)
      const secrets = await print(face, 'get', 'secrets', '-o', 'jsonpath={.items[*].data.PASSWORD}')
      t.equal(secrets, btoa(password))
      uids.push(await print(face, 'get', 'pods', '-A', '-o', 'jsonpath={.items[*].metadata.uid}'))
    }
    const all = uids.flatMap((text) => text.split(' '))
    t.equal(new Set(all).size, 6)
  })

  t.test(`what is the other tenant's answers as what does not exist (${where})`, async (t) => {
    const [mine, other] = faces()
    const foreign = (await lines(other, 'get', 'pods')).find((pod) => pod !== 'pod/twin') ?? ''
    const name = foreign.replace('pod/', '')
    const nobody = name.replace(/.{5}$/, 'zzzzz') // as long as the other's
    t.match(name, /^shop-/)
    for (const args of [
      ['get', 'pod', name],
      ['logs', name],
      ['exec', name, '--', 'true'],
      ['attach', name],
      ['port-forward', `pod/${name}`, ':80'],
      ['describe', 'pod', name],
      ['delete', 'pod', name],
      ['label', 'pod', name, 'a=b'],
    ]) {
      const [theirs, none] = [
        await run(mine, ...args),
        await run(mine, ...args.map((arg) => arg.replace(name, nobody))),
      ]
      t.equal(theirs.code, 1, `${args[0]}`)
      t.equal(theirs.stderr.replaceAll(name, nobody), none.stderr, `${args[0]}`)
      t.match(theirs.stderr, /not found/, `${args[0]}`)
    }
    t.ok((await lines(other, 'get', 'pods')).includes(foreign), 'and it is still there')
  })
}

t.test('the namespace of one deleted, the other’s of the same name is untouched', async (t) => {
  const [one, two] = tenants.map(({ stage }) => stage) as [Stage, Stage]
  const before = await uidOf(two.gateway, 'pod/twin')
  await print(one.user, 'delete', 'namespace', NAMESPACE, '--wait', '--timeout=110s')
  await eventually(
    'the pods of the first are gone from the data plane',
    async () => (await carriedPods(one.world.dataPlane)).length === 3,
    60_000,
  )
  t.same(await lines(one.gateway, 'get', 'pods', '-A'), [])
  t.equal((await lines(two.user, 'get', 'pods')).length, 3)
  t.equal(await uidOf(two.gateway, 'pod/twin'), before)
  t.equal(await print(two.user, 'exec', 'twin', '--', 'sh', '-c', 'echo $PASSWORD'), 'plugh\n')
  const restarts = 'jsonpath={.items[*].status.containerStatuses[0].restartCount}'
  t.equal(await print(two.user, 'get', 'pods', '-o', restarts), '0 0 0')
})

t.test('describe tells a pod’s owner that its quota is used up; raised, the pod runs', async (t) => {
  const { stage } = tenants[0]!
  const limits = (cpu: string) => ({
    resources: { limits: { cpu, memory: '32Mi' }, requests: { cpu: '50m' } },
  })
  await stage.apply(stage.pod('fits', { script: STAY, container: limits('1') }))
  await stage.ready('fits')
  await stage.apply(stage.pod('greedy', { script: STAY, container: limits('1500m') }))
  const describe = async () => (await stage.user.kubectl(['describe', 'pod', 'greedy'])).stdout
  const waiting = await eventually('describe shows the refusal', async () => {
    const text = await describe()
    return /^ +Warning +QuotaExceeded /m.test(text) && /^ +isthmus\.dev\/Carried +False/m.test(text) && text
  })
  t.match(waiting, /^Status: +Pending$/m)
  t.match(waiting, /^Reason: +QuotaExceeded$/m)
  const message = /^Message: +(.*)$/m.exec(waiting)?.[1] ?? ''
  for (const part of ['limits.cpu', '1500m', 'used', '1', '2']) t.match(message, part)
  t.match(waiting, /^ +Warning +QuotaExceeded +.* +isthmus.* limits\.cpu/m, 'the Event says it as well')
  t.match((await stage.user.kubectl(['get', 'pod', 'greedy'])).stdout, /^greedy +0\/1 +QuotaExceeded +0 /m)
  t.same(await carriedPods(stage.world.dataPlane, 'greedy'), [])

  const path = '/v1/tenants/one/quota'
  const { headers } = await http(stage.world.operator(), { path })
  const body = { hard: { 'limits.cpu': '4' } }
  const match = { 'if-match': String(headers['etag']) }
  await json(stage.world.operator(), { method: 'PATCH', path, body, headers: match })
  await stage.ready('greedy')
  const running = await describe()
  t.match(running, /^Status: +Running$/m)
  t.notMatch(running, /^(Reason|Message): +/m, 'the refusal is cleared')
  await stage.user.kubectl(['delete', 'pod', 'fits', 'greedy'])
})
