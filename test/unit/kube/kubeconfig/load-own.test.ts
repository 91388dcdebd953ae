import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { loadOwnKubeconfig } from '../../../../src/kube/kubeconfig/index.ts'
import { createTestCa } from '../../../support/certificates.ts'
import { createManualClock } from '../../../support/manual-clock.ts'
import t from '../../../support/tap.ts'

const ca = await createTestCa()
const pair = await ca.issue()

const config = (user: object, { name = 'main', server = 'https://h', cluster = {} } = {}) =>
  JSON.stringify({
    'current-context': name,
    clusters: [{ name, cluster: { server, ...cluster } }],
    users: [{ name, user }],
    contexts: [{ name, context: { cluster: name, user: name, namespace: `ns-${name}` } }],
  })

const tokenOf = async (token: string | (() => Promise<string>) | undefined) =>
  typeof token === 'function' ? token() : token

t.test('files are read relative to the kubeconfig', async (t) => {
  const directory = t.testdir({
    'ca.crt': ca.ca,
    pki: { 'me.crt': pair.cert, 'me.key': pair.key },
    config: config(
      { 'client-certificate': 'pki/me.crt', 'client-key': 'pki/me.key' },
      { cluster: { 'certificate-authority': 'ca.crt' } },
    ),
  })
  const own = await loadOwnKubeconfig({ path: join(directory, 'config'), env: {} })
  t.match(own, {
    target: { server: 'https://h', ca: ca.ca, clientCertificate: pair },
    namespace: 'ns-main',
    context: 'main',
    source: join(directory, 'config'),
  })
})

t.test(
  'KUBECONFIG may name several files: the first that names something wins, missing ones are passed over',
  async (t) => {
    const directory = t.testdir({
      one: config({ token: 'one' }),
      two: config({ token: 'two' }).replaceAll('https://h', 'https://two'),
      three: config({ tokenFile: 'token' }, { name: 'third' }),
      token: 'from-file\n',
    })
    const env = { KUBECONFIG: ['none', 'one', 'two', 'three'].map((name) => join(directory, name)).join(':') }
    t.match(await loadOwnKubeconfig({ env }), { target: { server: 'https://h', token: 'one' } })
    const third = await loadOwnKubeconfig({ env, context: 'third' })
    t.equal(await tokenOf(third.target.token), 'from-file')
  },
)

t.test('~/.kube/config is the last resort, and its absence is said with its path', async (t) => {
  const directory = t.testdir({ '.kube': { config: config({ token: 'home' }) } })
  t.match(await loadOwnKubeconfig({ env: { HOME: directory } }), { target: { token: 'home' } })
  await t.rejects(loadOwnKubeconfig({ env: { HOME: '/nowhere' } }), {
    code: 'invalid',
    message: /\/nowhere\/\.kube\/config/,
  })
  await t.rejects(loadOwnKubeconfig({ path: '/nowhere/x', env: {} }), { code: 'invalid' })
})

t.test(
  "in a pod the ServiceAccount's token is read again each minute, and kept while it can not be",
  async (t) => {
    const directory = t.testdir({ token: 'first', 'ca.crt': ca.ca, namespace: 'isthmus\n' })
    const clock = createManualClock()
    const env = { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '443', HOME: '/nowhere' }
    const own = await loadOwnKubeconfig({ env, clock, serviceAccountDirectory: directory })
    t.match(own, {
      source: 'in-cluster',
      namespace: 'isthmus',
      target: { server: 'https://[fd00::1]:443', ca: ca.ca },
    })
    writeFileSync(join(directory, 'token'), 'second')
    t.equal(await tokenOf(own.target.token), 'first')
    clock.advance(61_000)
    t.equal(await tokenOf(own.target.token), 'second')
    writeFileSync(join(directory, 'token'), '')
    clock.advance(61_000)
    t.equal(await tokenOf(own.target.token), 'second')
    await t.rejects(loadOwnKubeconfig({ env, serviceAccountDirectory: '/nowhere' }), { code: 'invalid' })
  },
)

const plugin = `#!/bin/sh
echo run >> "$COUNT_FILE"
printf '%s' "$KUBERNETES_EXEC_INFO" > "$COUNT_FILE.info"
echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"'$1-$TOKEN_SUFFIX'","expirationTimestamp":"2026-01-01T01:00:00Z"}}'
`

t.test('an exec plugin is run once per life of its token, also for callers at the same time', async (t) => {
  const count = join(t.testdir(), 'count')
  const directory = join(count, '..')
  writeFileSync(join(directory, 'plugin'), plugin, { mode: 0o755 })
  const exec = {
    apiVersion: 'client.authentication.k8s.io/v1',
    command: './plugin',
    args: ['tok'],
    env: [{ name: 'TOKEN_SUFFIX', value: 'x' }],
    provideClusterInfo: true,
  }
  writeFileSync(join(directory, 'config'), config({ exec }))
  const clock = createManualClock(Date.parse('2026-01-01T00:00:00Z'))
  const env = { PATH: process.env['PATH'], COUNT_FILE: count }
  const own = await loadOwnKubeconfig({ path: join(directory, 'config'), env, clock })
  const tokens = await Promise.all([1, 2, 3].map(() => tokenOf(own.target.token)))
  t.same(tokens, ['tok-x', 'tok-x', 'tok-x'])
  t.equal(readFileSync(count, 'utf8'), 'run\n')
  clock.advance(3600_000 - 5_000)
  await Promise.all([1, 2, 3].map(() => tokenOf(own.target.token)))
  t.equal(readFileSync(count, 'utf8'), 'run\nrun\n')
  t.match(JSON.parse(readFileSync(`${count}.info`, 'utf8')), {
    kind: 'ExecCredential',
    spec: { interactive: false, cluster: { server: 'https://h' } },
  })
})

t.test('a plugin that fails says what it printed', async (t) => {
  const directory = t.testdir()
  mkdirSync(directory, { recursive: true })
  const cases: [string, RegExp][] = [
    ['#!/bin/sh\necho no login >&2; exit 3', /ended with 3: no login/],
    ['#!/bin/sh\necho hello', /did not print JSON/],
    ['#!/bin/sh\necho "{}"', /ExecCredential/],
    ['#!/bin/sh\necho \'{"kind":"ExecCredential","status":{}}\'', /neither a token/],
  ]
  const apiVersion = 'client.authentication.k8s.io/v1'
  for (const [script, message] of cases) {
    writeFileSync(join(directory, 'plugin'), script, { mode: 0o755 })
    writeFileSync(join(directory, 'config'), config({ exec: { apiVersion, command: './plugin' } }))
    const env = { PATH: process.env['PATH'] }
    await t.rejects(loadOwnKubeconfig({ path: join(directory, 'config'), env }), { code: 'invalid', message })
  }
  for (const exec of [
    { apiVersion, command: './none' },
    { apiVersion: 'v1alpha1', command: 'x' },
    { apiVersion },
  ]) {
    writeFileSync(join(directory, 'config'), config({ exec }))
    await t.rejects(loadOwnKubeconfig({ path: join(directory, 'config'), env: {} }), { code: 'invalid' })
  }
})

t.test('TLS can not be switched off, and nobody else be played', async (t) => {
  const directory = t.testdir()
  const cases: [object, object][] = [
    [{ token: 'x' }, { 'insecure-skip-tls-verify': true }],
    [{ token: 'x', as: 'root' }, {}],
    [{ username: 'a', password: 'b' }, {}],
    [{ 'auth-provider': { name: 'x' } }, {}],
    [{ 'client-certificate-data': Buffer.from(pair.cert).toString('base64') }, {}],
    [{ 'client-certificate': 'none', 'client-key': 'none' }, {}],
    [{ token: 'x' }, { server: 'http://h' }],
  ]
  for (const [user, cluster] of cases) {
    writeFileSync(join(directory, 'config'), config(user, { cluster }))
    await t.rejects(loadOwnKubeconfig({ path: join(directory, 'config'), env: {} }), { code: 'invalid' })
  }
})
