import { containerCommand } from '../../../src/sandbox/runtime/env/command.ts'
import { expand } from '../../../src/sandbox/runtime/env/expand.ts'
import { type EnvInput, resolveEnv } from '../../../src/sandbox/runtime/env/resolve.ts'
import type { Pod } from '../../../src/sandbox/runtime/types.ts'
import t from '../../support/tap.ts'

const base64 = (text: string) => Buffer.from(text).toString('base64')

const objects: Record<string, unknown> = {
  'configmaps/settings': { data: { mode: 'quiet', 'a-b.c': 'odd name' } },
  'secrets/login': { data: { user: base64('ada'), pass: base64('s3cret') } },
}

const pod = (container: Record<string, unknown>): Pod =>
  ({
    metadata: {
      name: 'web',
      namespace: 'default',
      uid: 'u-1',
      labels: { app: 'web' },
      annotations: { "isthmus.dev/a'b": 'noted' },
    },
    spec: { nodeName: 'n1', serviceAccountName: 'sa', containers: [{ name: 'main', ...container }] },
  }) as unknown as Pod

function resolve(container: Record<string, unknown>): Record<string, string> {
  const of = pod(container)
  const input: EnvInput = {
    pod: of,
    container: of.spec.containers[0]!,
    store: { get: (resource, { name }) => objects[`${resource}/${name}`] as never },
    context: { podIP: '10.0.0.1', hostIP: '10.0.0.2' },
    allocatable: { cpu: '4', memory: '8Gi' },
    base: { BASE: 'base', PATH: '/bin' },
  }
  return resolveEnv(input)
}

const env = (...list: unknown[]) => resolve({ env: list })

t.test('$(NAME) is replaced, unknown names and $$ are kept as Kubernetes keeps them', (t) => {
  const lookup = (name: string) => ({ A: 'x', B: '$(A)' })[name]
  const cases: [string, string][] = [
    ['$(A)', 'x'],
    ['-$(A)-$(A)-', '-x-x-'],
    ['$(NOPE)', '$(NOPE)'],
    ['$$(A)', '$(A)'],
    ['$$$(A)', '$x'],
    ['$(B)', '$(A)'],
    ['$A $[A]', '$A $[A]'],
    ['$(A', '$(A'],
    ['end$', 'end$'],
    ['', ''],
  ]
  for (const [text, expected] of cases) t.equal(expand(text, lookup), expected, text)
  t.end()
})

t.test('a variable sees those before it, and not those after', (t) => {
  const result = env(
    { name: 'EARLY', value: '$(LATE) $(BASE)' },
    { name: 'LATE', value: 'late' },
    { name: 'CHAIN', value: '$(EARLY)!' },
  )
  t.match(result, { EARLY: '$(LATE) base', LATE: 'late', CHAIN: '$(LATE) base!' })
  t.end()
})

t.test('envFrom comes before env, with its prefix and every name as it is', (t) => {
  const result = resolve({
    envFrom: [
      { prefix: 'S_', configMapRef: { name: 'settings' } },
      { secretRef: { name: 'login' } },
      { configMapRef: { name: 'missing', optional: true } },
    ],
    env: [{ name: 'user', value: '$(user) the first' }],
  })
  t.match(result, { S_mode: 'quiet', 'S_a-b.c': 'odd name', user: 'ada the first', pass: 's3cret' })
  t.end()
})

t.test('references that are missing hold the container, optional ones leave the variable out', (t) => {
  const from = (valueFrom: unknown) => () => env({ name: 'X', valueFrom })
  t.throws(from({ configMapKeyRef: { name: 'no', key: 'k' } }), {
    reason: 'CreateContainerConfigError',
    message: 'configmap "no" not found',
  })
  t.throws(from({ secretKeyRef: { name: 'login', key: 'k' } }), {
    message: "couldn't find key k in Secret default/login",
  })
  t.throws(() => resolve({ envFrom: [{ secretRef: { name: 'no' } }] }), { message: 'secret "no" not found' })
  t.notOk('X' in env({ name: 'X', valueFrom: { secretKeyRef: { name: 'login', key: 'k', optional: true } } }))
  t.equal(env({ name: 'X', valueFrom: { secretKeyRef: { name: 'login', key: 'user' } } })['X'], 'ada')
  t.end()
})

t.test('the downward API gives fields and resources as a kubelet does', (t) => {
  const field = (fieldPath: string) => env({ name: 'X', valueFrom: { fieldRef: { fieldPath } } })['X']
  t.equal(field('metadata.name'), 'web')
  t.equal(field('metadata.uid'), 'u-1')
  t.equal(field("metadata.labels['app']"), 'web')
  t.equal(field("metadata.annotations['isthmus.dev/a'b']"), 'noted')
  t.equal(field("metadata.labels['none']"), '')
  t.equal(field('spec.serviceAccountName'), 'sa')
  t.equal(field('status.podIP'), '10.0.0.1')
  t.equal(field('status.hostIPs'), '10.0.0.2')
  t.throws(() => field('spec.restartPolicy'), { message: 'unsupported fieldPath: spec.restartPolicy' })

  const resource = (ref: Record<string, unknown>) =>
    resolve({
      resources: { limits: { cpu: '1500m' }, requests: { memory: '100Mi' } },
      env: [{ name: 'X', valueFrom: { resourceFieldRef: ref } }],
    })['X']
  t.equal(resource({ resource: 'limits.cpu' }), '2', 'rounded up')
  t.equal(resource({ resource: 'limits.cpu', divisor: '1m' }), '1500')
  t.equal(resource({ resource: 'requests.memory', divisor: '1Mi' }), '100')
  t.equal(resource({ resource: 'limits.memory', divisor: '1Gi' }), '8', "the node's where there is no limit")
  t.equal(resource({ resource: 'requests.cpu' }), '0')
  t.end()
})

t.test('command and args are expanded; only built-in images run without a command', (t) => {
  const command = (container: Record<string, unknown>) =>
    containerCommand({ name: 'main', ...container }, { A: 'x' })
  t.same(command({ command: ['echo', '$(A)'], args: ['$$(A)'] }), ['echo', 'x', '$(A)'])
  t.match(command({ image: 'isthmus.dev/sandbox/pause:1.0' }), [process.execPath, /pause\.ts$/])
  t.throws(() => command({ image: 'busybox:1.37' }), {
    message: /runs processes of this machine, not images/,
  })
  t.end()
})
