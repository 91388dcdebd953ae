import { parseKubeconfig } from '../../../../src/kube/kubeconfig/index.ts'
import { createTestCa } from '../../../support/certificates.ts'
import t from '../../../support/tap.ts'

const ca = await createTestCa()
const pair = await ca.issue()
const base64 = (text: string) => Buffer.from(text).toString('base64')

function kubeconfig(cluster: object = {}, user: object = {}, more: object = {}): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'main',
    clusters: [
      {
        name: 'c',
        cluster: { server: 'https://h:6443', 'certificate-authority-data': base64(ca.ca), ...cluster },
      },
    ],
    users: [{ name: 'u', user: { token: 'secret', ...user } }],
    contexts: [{ name: 'main', context: { cluster: 'c', user: 'u' } }],
    ...more,
  })
}

t.test('server, CA and token are taken', async (t) => {
  t.same(parseKubeconfig(kubeconfig({ 'tls-server-name': 'kubernetes' })), {
    server: 'https://h:6443',
    ca: ca.ca,
    tlsServerName: 'kubernetes',
    token: 'secret',
  })
})

t.test('a client certificate with its key is taken', async (t) => {
  const user = {
    token: undefined,
    'client-certificate-data': base64(pair.cert),
    'client-key-data': base64(pair.key),
  }
  t.match(parseKubeconfig(kubeconfig({}, user)), { clientCertificate: pair })
})

t.test('YAML is read, another context chosen', async (t) => {
  const yaml = `
current-context: none
contexts:
- name: other
  context: {cluster: c, user: u, namespace: ns}
clusters:
- name: c
  cluster:
    server: https://[::1]:6443
users:
- name: u
  user:
    token: abc
`
  t.match(parseKubeconfig(yaml, 'other'), { server: 'https://[::1]:6443', token: 'abc', namespace: 'ns' })
  t.throws(() => parseKubeconfig(yaml), { code: 'invalid' })
})

t.test(
  'what would run a program, read a file or switch TLS off is refused by name, all at once',
  async (t) => {
    const refused: [object, object, string[]][] = [
      [{}, { exec: { command: 'sh' } }, ['users[u].user.exec']],
      [{}, { 'auth-provider': { name: 'gcp' } }, ['users[u].user.auth-provider']],
      [{}, { tokenFile: '/etc/shadow' }, ['users[u].user.tokenFile']],
      [
        {},
        { 'client-certificate': '/x', 'client-key': '/y' },
        ['users[u].user.client-certificate', 'users[u].user.client-key'],
      ],
      [{}, { username: 'a', password: 'b' }, ['users[u].user.username', 'users[u].user.password']],
      [{}, { as: 'root' }, ['users[u].user.as']],
      [{ 'certificate-authority': '/x' }, {}, ['clusters[c].cluster.certificate-authority']],
      [{ 'insecure-skip-tls-verify': true }, {}, ['clusters[c].cluster.insecure-skip-tls-verify']],
      [
        { 'proxy-url': 'http://p' },
        { 'made-up': 1 },
        ['clusters[c].cluster.proxy-url', 'users[u].user.made-up'],
      ],
    ]
    for (const [cluster, user, fields] of refused) {
      const causes = fields.map((field) => ({ field }))
      t.throws(
        () => parseKubeconfig(kubeconfig(cluster, user)),
        { code: 'invalid', details: { causes } },
        fields.join(),
      )
    }
    t.ok(parseKubeconfig(kubeconfig({ 'insecure-skip-tls-verify': false })))
  },
)

t.test('odd values are refused with their field', async (t) => {
  const other = await ca.issue()
  const cases: [string, object, object][] = [
    ['server', { server: 'http://h' }, {}],
    ['server', { server: 'https://u:p@h' }, {}],
    ['clusters[c].cluster.server', { server: undefined }, {}],
    ['clusters[c].cluster.server', { server: 5 }, {}],
    ['clusters[c].cluster.certificate-authority-data', { 'certificate-authority-data': '%%' }, {}],
    [
      'clusters[c].cluster.certificate-authority-data',
      { 'certificate-authority-data': base64('no PEM') },
      {},
    ],
    [
      'clusters[c].cluster.certificate-authority-data',
      {
        'certificate-authority-data': base64('-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----'),
      },
      {},
    ],
    ['users[u].user.token', {}, { token: undefined }],
    ['users[u].user.client-key-data', {}, { 'client-certificate-data': base64(pair.cert) }],
    ['users[u].user.client-certificate-data', {}, { 'client-key-data': base64(pair.key) }],
    [
      'users[u].user.client-key-data',
      {},
      { 'client-certificate-data': base64(pair.cert), 'client-key-data': base64(other.key) },
    ],
  ]
  for (const [field, cluster, user] of cases) {
    t.throws(
      () => parseKubeconfig(kubeconfig(cluster, user)),
      { code: 'invalid', details: { causes: [{ field }] } },
      `${field} ${JSON.stringify({ ...cluster, ...user }).slice(0, 60)}`,
    )
  }
})

t.test('what is no kubeconfig is refused', async (t) => {
  const bomb = `a: &a [x,x,x,x]\nb: &b [*a,*a,*a,*a]\nc: [*b,*b,*b,*b]\n${kubeconfig()}`
  for (const text of [
    '',
    'null',
    '[]',
    '{',
    'a: [',
    bomb,
    'x'.repeat(600_000),
    kubeconfig({}, {}, { contexts: [] }),
    kubeconfig({}, {}, { contexts: 'x' }),
    kubeconfig({}, {}, { users: [null, 5, { name: 'u' }] }),
    kubeconfig({}, {}, { clusters: [{ name: 'c', cluster: 'x' }] }),
    kubeconfig({}, {}, { 'current-context': ['main'] }),
    kubeconfig({}, {}, { contexts: [{ name: 'main', context: { cluster: {}, user: 'u' } }] }),
  ]) {
    t.throws(() => parseKubeconfig(text), { code: 'invalid' }, text.slice(0, 60))
  }
})
