import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseAllDocuments, parse as parseYaml } from 'yaml'
import { run } from '../../../src/cli/run.ts'
import t, { type Test } from '../../support/tap.ts'

interface Manifest {
  kind: string
  metadata: { name: string; namespace?: string }
  // biome-ignore lint/suspicious/noExplicitAny: the test looks into objects of many kinds.
  [field: string]: any
}

async function install(t: Test, ...args: string[]) {
  const dir = mkdtempSync(join(tmpdir(), 'isthmus-install-'))
  t.teardown(() => rmSync(dir, { recursive: true, force: true }))
  const secret = join(dir, 'secret')
  writeFileSync(secret, 'isc_x\n')
  writeFileSync(join(dir, 'ca.crt'), 'CA\n')
  const printed = { out: '', err: '' }
  const credential = ['--client-id', 'c1', '--client-secret-file', secret]
  const code = await run(
    ['node', 'install', 'acme/east', ...credential, ...args.map((arg) => arg.replace('DIR', dir))],
    {
      env: {},
      stdout: { write: (text: string) => (printed.out += text) },
      stderr: { write: (text: string) => (printed.err += text) },
      now: Date.now,
      configFolder: dir,
    },
  )
  const objects = parseAllDocuments(printed.out).flatMap(
    (document) => (document.toJS() as Manifest | null) ?? [],
  )
  const find = (kind: string, namespace?: string) =>
    objects.find(
      (one) => one.kind === kind && (namespace === undefined || one.metadata.namespace === namespace),
    )
  return { code, ...printed, objects, find }
}

const GATEWAY = ['--gateway', 'https://gw:8443']

t.test(
  'node install prints everything that the agent needs, and nothing that two agents would share',
  async (t) => {
    const { code, objects, find } = await install(t, ...GATEWAY, '--gateway-ca', 'DIR/ca.crt')
    t.equal(code, 0)
    t.match(find('ConfigMap')?.['data'], {
      'node-name': 'east',
      gateway: 'https://gw:8443',
      'client-id': 'c1',
      'gateway-ca.crt': 'CA\n',
    })
    t.equal(find('Secret')?.['stringData']['client-secret'], 'isc_x')
    const own = objects.filter(
      ({ kind, metadata }) => kind !== 'Namespace' && metadata.name !== 'isthmus-agent-namespace',
    )
    for (const { kind, metadata } of own)
      t.match(metadata.name, /^isthmus-agent-east/, `${kind} ${metadata.name}`)
    const role = objects.find(
      ({ kind, metadata }) => kind === 'ClusterRole' && metadata.name === 'isthmus-agent-east',
    )
    const named = role?.['rules'].filter((rule: { resourceNames?: string[] }) => rule.resourceNames)
    t.ok(named.length > 0)
    for (const rule of named) t.same(rule.resourceNames, ['east'])
    for (const binding of objects.filter(({ kind }) => kind.endsWith('RoleBinding'))) {
      t.match(binding['subjects'], [{ name: 'isthmus-agent-east', namespace: 'isthmus-system' }])
    }
  },
)

t.test('rule 30: the agent is kept off virtual nodes, its own among them', async (t) => {
  const { find } = await install(t, ...GATEWAY)
  const spec = find('Deployment')?.['spec'].template.spec
  t.same(spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms, [
    { matchExpressions: [{ key: 'type', operator: 'NotIn', values: ['virtual-kubelet'] }] },
  ])
  t.notOk(spec.tolerations)
})

t.test(
  'rights on Secrets and tokens are bound in the namespaces that are named, and in no other',
  async (t) => {
    const { objects } = await install(t, ...GATEWAY, '--namespace', 'team-a', 'team-b')
    const bound = objects.filter(({ roleRef }) => roleRef?.name === 'isthmus-agent-namespace')
    t.same(
      bound.map(({ kind, metadata }) => [kind, metadata.namespace]),
      [
        ['RoleBinding', 'team-a'],
        ['RoleBinding', 'team-b'],
      ],
    )
    const roles = objects.filter(
      ({ kind, metadata }) => kind === 'ClusterRole' && metadata.name !== 'isthmus-agent-namespace',
    )
    t.notMatch(JSON.stringify(roles), /secrets|serviceaccounts/)
  },
)

t.test('without a CA the system’s roots decide: nothing points to a file that is not there', async (t) => {
  const { find, out } = await install(t, ...GATEWAY)
  t.notOk('gateway-ca.crt' in (find('ConfigMap')?.['data'] ?? {}))
  t.notMatch(out, /ISTHMUS_GATEWAY_CA/)
})

t.test('the comments of deploy/agent.yaml stay, and the sample follows as a comment', async (t) => {
  const { out } = await install(t, ...GATEWAY)
  const comments =
    readFileSync(new URL('../../../deploy/agent.yaml', import.meta.url), 'utf8').match(/^# .*$/gm) ?? []
  t.ok(comments.length > 3)
  for (const comment of comments) t.ok(out.includes(comment), comment)
  t.match(out, /\n# {3}kind: Deployment\n/)
})

t.test('--sample prints a Deployment that the virtual node takes and no other', async (t) => {
  const { code, out } = await install(t, '--sample')
  t.equal(code, 0)
  const { spec } = (parseYaml(out) as Manifest)['spec'].template
  t.same(spec.nodeSelector, { 'isthmus.dev/virtual-node': 'east' })
  t.match(spec.tolerations, [{ key: 'isthmus.dev/virtual-node', value: 'east', effect: 'NoSchedule' }])
})

t.test('what is missing or can not be a node’s name is said, exit code 2', async (t) => {
  t.match(await install(t), { code: 2, err: /--gateway/ })
  t.match(await install(t, ...GATEWAY, '--node-name', 'East_1'), { code: 2, err: /--node-name/ })
})
