// What kubectl 1.36 does with a v1 List, Namespaces and its debug profiles at the gateway's Kubernetes face, on a real
// data plane: field managers, versions and RBAC are the API server's own here.
import { eventually } from '../../../support/eventually.ts'
import t from '../../../support/tap.ts'
import { STAY } from '../../../support/world/workloads.ts'
import { openStage, type Stage } from './stage.ts'

t.setTimeout(600_000)
const NAMESPACE = 'workshop'

let stage: Stage
t.before(async () => {
  stage = await openStage({ tenant: 'apply' })
  await feed({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } }, 'apply', '-f', '-')
})
t.teardown(() => stage?.close())

const run = (args: string[], input?: object) =>
  stage.gateway.kubectl(['-n', NAMESPACE, ...args], {
    input: input && JSON.stringify(input),
    allowFailure: true,
    timeoutMs: 120_000,
  })
const feed = async (input: object, ...args: string[]) => {
  const { code, stdout, stderr } = await run(args, input)
  if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`)
  return stdout
}
const pod = (name: string) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name },
  spec: {
    terminationGracePeriodSeconds: 1,
    containers: [{ name: 'main', image: stage.world.image, command: ['sh', '-c', STAY] }],
  },
})
const configMap = (name: string, value: string) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name },
  data: { key: value },
})

t.test('rule 23: apply of a v1 List, by both kinds of apply', async (t) => {
  const list = (value: string) => ({
    apiVersion: 'v1',
    kind: 'List',
    items: [configMap('one', value), pod('one')],
  })
  t.equal(await feed(list('a'), 'apply', '-f', '-'), 'configmap/one created\npod/one created\n')
  t.equal(await feed(list('b'), 'apply', '-f', '-'), 'configmap/one configured\npod/one unchanged\n')
  const side = { apiVersion: 'v1', kind: 'List', items: [configMap('two', 'a'), pod('two')] }
  for (let turn = 0; turn < 2; turn++) {
    t.equal(
      await feed(side, 'apply', '--server-side', '-f', '-'),
      'configmap/two serverside-applied\npod/two serverside-applied\n',
    )
  }
})

t.test('rule 8: a Namespace is applied, changed and applied again, by both kinds of apply', async (t) => {
  const namespace = (name: string, tier: string) => ({
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name, labels: { tier } },
  })
  t.equal(await feed(namespace('plain', 'a'), 'apply', '-f', '-'), 'namespace/plain created\n')
  t.equal(await feed(namespace('plain', 'b'), 'apply', '-f', '-'), 'namespace/plain configured\n')
  for (const tier of ['a', 'b']) {
    t.equal(
      await feed(namespace('side', tier), 'apply', '--server-side', '-f', '-'),
      'namespace/side serverside-applied\n',
    )
  }
  const tiers = await feed(
    {},
    'get',
    'namespace',
    'plain',
    'side',
    '-o',
    'jsonpath={.items[*].metadata.labels.tier}',
  )
  t.equal(tiers, 'b b')
})

t.test('rule 14: applies of one pod at once make one, and none of them fails', async (t) => {
  const answers = await Promise.all(
    Array.from({ length: 4 }, () => run(['apply', '--server-side', '-f', '-'], pod('race'))),
  )
  t.same(
    answers.map(({ stderr }) => stderr),
    ['', '', '', ''],
  )
  t.equal(await feed({}, 'get', 'pod', 'race', '-o', 'jsonpath={.metadata.name}'), 'race')
})

t.test('debug without a profile is refused and says which one works', async (t) => {
  await feed({}, 'wait', '--for=condition=Ready', 'pod/one', '--timeout=90s')
  const debug = (...more: string[]) =>
    run(['debug', 'one', `--image=${stage.world.image}`, ...more, '--', 'sh', '-c', STAY])
  const refused = await debug()
  t.equal(refused.code, 1)
  t.match(refused.stderr, /SYS_PTRACE is not allowed.*--profile=restricted or --profile=baseline/)
  t.equal((await debug('--profile=baseline', '-c', 'probe')).code, 0)
  await eventually('it runs', async () =>
    /running/.test(
      await feed({}, 'get', 'pod', 'one', '-o', 'jsonpath={.status.ephemeralContainerStatuses[0].state}'),
    ),
  )
})
