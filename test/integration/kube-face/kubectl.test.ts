// A real kubectl at the Kubernetes face, where one is installed or has been built for the suites on real Kubernetes.
// What it asks for is held without it as well: rule-22-23-streams-discovery and namespaces.test.ts.
import { findKubectl, type KubectlFace, startKubectlFace } from '../../support/kubectl.ts'
import t, { type Test } from '../../support/tap.ts'

const binary = findKubectl()
const NAMESPACE = 'shop'

let face: KubectlFace
t.before(async () => {
  if (binary === undefined) return
  face = await startKubectlFace(t, binary)
  await feed({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } }, 'create', '-f', '-')
})

const run = (input: object | string, ...args: string[]) =>
  face.kubectl(['-n', NAMESPACE, ...args], typeof input === 'string' ? input : JSON.stringify(input))
async function feed(input: object | string, ...args: string[]): Promise<string> {
  const { code, out, err } = await run(input, ...args)
  if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${code} ${err}`)
  return out
}

const configMap = (name: string, fields: object = { data: { key: 'a' } }) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name },
  ...fields,
})
const pod = (name: string, fields: object = {}) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name },
  spec: {
    containers: [{ name: 'main', image: 'isthmus.dev/sandbox/shell', command: ['sh', '-c', 'sleep 1000'] }],
    ...fields,
  },
})
const list = (...items: object[]) => ({ apiVersion: 'v1', kind: 'List', items })

/** A test that needs kubectl; without one it says so. */
function withKubectl(name: string, run: (t: Test) => Promise<void>): void {
  t.test(name, async (t) => (binary === undefined ? t.pass('no kubectl here') : run(t)))
}

withKubectl('rule 23: apply of a v1 List, whose items kubectl validates by /openapi/v2', async (t) => {
  const made = await feed(list(configMap('one'), pod('one')), 'apply', '-f', '-')
  t.equal(made, 'configmap/one created\npod/one created\n')
  t.equal(
    await feed(list(configMap('one'), pod('one')), 'apply', '-f', '-'),
    'configmap/one unchanged\npod/one unchanged\n',
  )
  const wrong = await run(list(pod('two', { wishes: 3 })), 'apply', '--validate=strict', '-f', '-')
  t.equal(wrong.code, 1)
  t.match(wrong.err, /unknown field "wishes" in io\.k8s\.api\.core\.v1\.PodSpec/)
  t.match(await feed('', 'explain', 'pod.spec.containers', '--output=plaintext-openapiv2'), /FIELD/)
})

withKubectl('a Namespace is applied, changed and applied again, by both kinds of apply', async (t) => {
  const namespace = (name: string, tier: string) => ({
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name, labels: { tier } },
  })
  t.equal(await feed(namespace('one', 'a'), 'apply', '-f', '-'), 'namespace/one created\n')
  t.equal(await feed(namespace('one', 'b'), 'apply', '-f', '-'), 'namespace/one configured\n')
  t.equal(await feed(namespace('one', 'b'), 'apply', '-f', '-'), 'namespace/one unchanged\n')
  for (const tier of ['a', 'b']) {
    const said = await feed(namespace('two', tier), 'apply', '--server-side', '-f', '-')
    t.equal(said, 'namespace/two serverside-applied\n')
  }
  await feed('', 'label', 'namespace', 'two', 'colour=green')
  await feed('', 'annotate', 'namespace', 'two', 'example.com/note=hello')
  t.equal(
    await feed(
      '',
      'get',
      'namespaces',
      'one',
      'two',
      '-L',
      'tier,colour',
      '--no-headers',
      '-o',
      'jsonpath={.items[*].metadata.labels}',
    ),
    '{"kubernetes.io/metadata.name":"one","tier":"b"} {"colour":"green","kubernetes.io/metadata.name":"two","tier":"b"}',
  )
  const replaced = await feed('', 'get', 'namespace', 'two', '-o', 'json')
  t.equal(await feed(replaced, 'replace', '-f', '-'), 'namespace/two replaced\n')
})

// Without --profile kubectl asks for `general` since 1.36, for `legacy`, which is baseline, before.
withKubectl('debug is refused beyond the baseline, and told which profile works', async (t) => {
  await feed(pod('patient'), 'apply', '-f', '-')
  await feed('', 'wait', '--for=condition=Ready', 'pod/patient', '--timeout=30s')
  const debug = (...args: string[]) =>
    run('', 'debug', 'patient', '--image=isthmus.dev/sandbox/shell', ...args, '--', 'sh', '-c', 'sleep 1000')
  for (const [args, field] of [
    [['--profile=general'], 'securityContext.capabilities.add'],
    [['--profile=netadmin'], 'securityContext.capabilities.add'],
    [['--profile=sysadmin'], 'securityContext.privileged'],
  ] as const) {
    const { code, err } = await debug(...args)
    t.equal(code, 1, args.join())
    t.match(err, `spec.ephemeralContainers[0].${field}: `, args.join())
    t.match(err, 'use --profile=restricted or --profile=baseline')
  }
  for (const profile of ['restricted', 'baseline']) {
    const { code, err } = await debug(`--profile=${profile}`, '-c', profile)
    t.equal(code, 0, err)
  }
  const names = await feed('', 'get', 'pod', 'patient', '-o', 'jsonpath={.spec.ephemeralContainers[*].name}')
  t.equal(names, 'restricted baseline')
})
