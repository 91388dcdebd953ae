// kubectl's everyday verbs against the gateway's Kubernetes face, with nothing between.
import { eventually } from '../../../support/eventually.ts'
import t from '../../../support/tap.ts'
import { STAY } from '../../../support/world/workloads.ts'
import { BUSYBOX_NEXT_IMAGE } from '../../harness/images.ts'
import { openStage, printed, type Stage } from './stage.ts'

t.setTimeout(600_000)
const NAMESPACE = 'office'

let stage: Stage
t.before(async () => {
  stage = await openStage({ tenant: 'verbs' })
  await kubectl('create', 'namespace', NAMESPACE)
})
t.teardown(() => stage?.close())

const run = (args: string[], input?: string) =>
  stage.gateway.kubectl(['-n', NAMESPACE, ...args], { input, allowFailure: true })
const kubectl = async (...args: string[]) =>
  (await stage.gateway.kubectl(['-n', NAMESPACE, ...args], { timeoutMs: 120_000 })).stdout
const feed = async (input: string, ...args: string[]) =>
  (await stage.gateway.kubectl(['-n', NAMESPACE, ...args], { input, timeoutMs: 120_000 })).stdout

const configMap = (name: string, value: string) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name },
  data: { key: value },
})
const pod = (name: string, fields: object = {}) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name },
  spec: {
    terminationGracePeriodSeconds: 1,
    containers: [{ name: 'main', image: stage.world.image, command: ['sh', '-c', STAY] }],
    ...fields,
  },
})
/** Documents; apply.test.ts has a v1 List, which kubectl validates otherwise. */
const list = (...items: object[]) => items.map((item) => JSON.stringify(item)).join('\n---\n')

t.test('rule 23: apply --validate=strict makes objects, and refuses a field that nobody knows', async (t) => {
  const made = await feed(list(configMap('one', 'a'), pod('one')), 'apply', '--validate=strict', '-f', '-')
  t.equal(made, 'configmap/one created\npod/one created\n')
  const wrong = await run(
    ['apply', '--validate=strict', '-f', '-'],
    JSON.stringify(pod('two', { wishes: 3 })),
  )
  t.equal(wrong.code, 1)
  t.match(wrong.stderr, /unknown field "spec\.wishes"/)
})

t.test('apply again changes nothing; diff shows what would change, and apply does it', async (t) => {
  const same = list(configMap('one', 'a'), pod('one'))
  t.equal(await feed(same, 'apply', '-f', '-'), 'configmap/one unchanged\npod/one unchanged\n')
  t.equal((await run(['diff', '-f', '-'], same)).code, 0)
  const changed = list(configMap('one', 'b'))
  const difference = await run(['diff', '-f', '-'], changed)
  t.equal(difference.code, 1)
  t.match(difference.stdout, /^- {2}key: a\n\+ {2}key: b$/m)
  t.equal(await feed(changed, 'apply', '-f', '-'), 'configmap/one configured\n')
  t.equal(await kubectl('get', 'configmap', 'one', '-o', 'jsonpath={.data.key}'), 'b')
})

t.test(
  'rule 6: apply --server-side twice, the second time with another value, meets no conflict',
  async (t) => {
    for (const value of ['a', 'b']) {
      const objects = list(
        configMap('two', value),
        pod('two', { activeDeadlineSeconds: value === 'a' ? 9_000 : 8_000 }),
      )
      t.equal(
        await feed(objects, 'apply', '--server-side', '-f', '-'),
        'configmap/two serverside-applied\npod/two serverside-applied\n',
      )
    }
    t.equal(await kubectl('get', 'configmap', 'two', '-o', 'jsonpath={.data.key}'), 'b')
    t.equal(await kubectl('get', 'pod', 'two', '-o', 'jsonpath={.spec.activeDeadlineSeconds}'), '8000')
  },
)

t.test('wait sees the pods become Ready, describe tells their story', async (t) => {
  await kubectl('wait', '--for=condition=Ready', 'pod/one', 'pod/two', '--timeout=90s')
  const story = await eventually('the Events are there', async () => {
    const text = await kubectl('describe', 'pod', 'one')
    return /Started container main/.test(text) && text
  })
  t.match(story, /^Name: +one\nNamespace: +office$/m)
  t.match(story, /^Node: +east\//m)
  t.match(story, /^Status: +Running$/m)
  t.notMatch(story, /t-[a-z2-7]{26}|data-plane/, 'nothing of the data plane')
})

t.test('rule 13: get -A -o wide -w prints changes as rows under one head', async (t) => {
  const watch = stage.gateway.start(['get', 'pods', '-A', '-o', 'wide', '-w'])
  t.teardown(() => watch.stop())
  await printed(watch, /^NAMESPACE +NAME +READY +STATUS .*\n(office +(one|two) .*\n){2}$/)
  await feed(list(pod('three')), 'create', '-f', '-')
  await printed(watch, /^office +three +1\/1 +Running +0 +\S+ +\S+ +east +<none>/m)
  await kubectl('delete', 'pod', 'three')
  await eventually('the head is there once', () => watch.stdout().match(/NAMESPACE/g)?.length === 1)
  t.notMatch(watch.stdout(), /t-[a-z2-7]{26}|data-plane/)
})

t.test('rule 1: create secret generic, which is sent as protobuf', async (t) => {
  t.equal(
    await kubectl('create', 'secret', 'generic', 'keys', '--from-literal=a=xyzzy'),
    'secret/keys created\n',
  )
  t.equal(await kubectl('get', 'secret', 'keys', '-o', 'jsonpath={.data.a}'), btoa('xyzzy'))
  t.match((await run(['get', 'secrets'])).stdout, /^keys +Opaque +1 /m)
})

t.test('rule 7: secrets -A is Forbidden, one namespace can be watched', async (t) => {
  const all = await run(['get', 'secrets', '-A'])
  t.equal(all.code, 1)
  t.match(
    all.stderr,
    /^Error from server \(Forbidden\): secrets is forbidden: User ".*" cannot list resource "secrets"/,
  )
  const watch = stage.gateway.start(['get', 'secrets', '-n', NAMESPACE, '-w'])
  t.teardown(() => watch.stop())
  await printed(watch, /^keys /m)
  await kubectl('create', 'secret', 'generic', 'more', '--from-literal=a=b')
  await printed(watch, /^more +Opaque +1 /m)
})

t.test('rule 15: get -o yaml | replace -f - changes nothing and is taken', async (t) => {
  for (const object of ['pod/one', 'configmap/one', 'secret/keys']) {
    const before = await kubectl('get', object, '-o', 'yaml')
    t.equal(await feed(before, 'replace', '-f', '-'), `${object} replaced\n`)
  }
  t.equal(await kubectl('get', 'pod', 'one', '-o', 'jsonpath={.status.phase}'), 'Running')
})

t.test('label, annotate, patch and set image act on the pod', async (t) => {
  await kubectl('label', 'pod', 'one', 'colour=green')
  await kubectl('annotate', 'pod', 'one', 'note=yes')
  await kubectl('patch', 'pod', 'one', '-p', '{"metadata":{"labels":{"shape":"round"}}}')
  await kubectl(
    'patch',
    'pod',
    'one',
    '--type=json',
    '-p',
    '[{"op":"remove","path":"/metadata/labels/colour"}]',
  )
  await kubectl('set', 'image', 'pod/one', `main=${BUSYBOX_NEXT_IMAGE}`)
  const { metadata, spec } = JSON.parse(await kubectl('get', 'pod', 'one', '-o', 'json')) as {
    metadata: { labels: object; annotations: Record<string, string> }
    spec: { containers: { image: string }[] }
  }
  t.same(metadata.labels, { shape: 'round' })
  t.equal(metadata.annotations['note'], 'yes')
  t.equal(spec.containers[0]?.image, BUSYBOX_NEXT_IMAGE)
  t.match(await kubectl('get', 'pods', '-l', 'shape=round', '-o', 'name'), /^pod\/one\n$/)
})

t.test('debug attaches an ephemeral container', async (t) => {
  const args = [
    'debug',
    'two',
    `--image=${stage.world.image}`,
    '-c',
    'look',
    '--profile=restricted',
    '--',
    'id',
  ]
  const started = await run(args)
  t.equal(started.code, 0, started.stderr)
  await eventually('it has run', async () => {
    const path = 'jsonpath={.status.ephemeralContainerStatuses[0].state}'
    return /terminated|waiting/.test(await kubectl('get', 'pod', 'two', '-o', path))
  })
})

t.test('api-resources, version, auth and explain are answered', async (t) => {
  t.match(await kubectl('api-resources', '-o', 'name'), /^configmaps\nevents\nnamespaces\npods\nsecrets\n/)
  t.match(await kubectl('version'), /^Server Version: v1\.\d+/m)
  t.equal(await kubectl('auth', 'can-i', 'create', 'pods'), 'yes\n')
  t.match((await run(['auth', 'can-i', 'create', 'nodes'])).stdout, /^no\b/)
  t.match(await kubectl('auth', 'whoami'), /verbs/)
  t.match(await kubectl('explain', 'pod.spec.containers'), /^FIELD: containers <\[\]Container>$/m)
})

t.test('rule 8: delete namespace --wait empties it; made again it is new and empty', async (t) => {
  const uid = () => kubectl('get', 'namespace', NAMESPACE, '-o', 'jsonpath={.metadata.uid}')
  const before = await uid()
  await kubectl('delete', 'namespace', NAMESPACE, '--wait', '--timeout=100s')
  t.match((await run(['get', 'namespace', NAMESPACE])).stderr, /NotFound/)
  await kubectl('create', 'namespace', NAMESPACE)
  t.not(await uid(), before)
  t.equal(await kubectl('get', 'pods,configmaps', '-o', 'name'), '')
  const missing = await run(['create', '-n', 'nowhere', '-f', '-'], JSON.stringify(configMap('x', 'y')))
  t.match(missing.stderr, /namespaces "nowhere" not found/)
})
