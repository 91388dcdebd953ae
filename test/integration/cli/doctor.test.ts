import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { RequestListener } from 'node:http'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from '../../../src/cli/run.ts'
import { createKubeClient } from '../../../src/kube/index.ts'
import { silentLogger } from '../../../src/lib/logger.ts'
import { startSandbox } from '../../../src/sandbox/index.ts'
import { createTestCa } from '../../support/certificates.ts'
import { startHttpsServer } from '../../support/https-server.ts'
import t, { type Test } from '../../support/tap.ts'

interface Finding {
  check: string
  state: string
  message: string
  remedy?: string
}

const dir = mkdtempSync(join(tmpdir(), 'isthmus-doctor-'))
t.teardown(() => rmSync(dir, { recursive: true, force: true }))
const authority = await createTestCa()
const ca = join(dir, 'ca.crt')
writeFileSync(ca, authority.ca)
const DAY_MS = 86_400_000

/** Runs `isthmus doctor … -o json`; findings by the name of their check. */
async function doctor(args: string[], options: { now?: number } = {}) {
  const printed = { out: '', err: '' }
  const code = await run(['doctor', '-o', 'json', ...args], {
    env: {},
    stdout: { write: (text: string) => (printed.out += text) },
    stderr: { write: (text: string) => (printed.err += text) },
    now: () => Date.now() + (options.now ?? 0),
    configFolder: dir,
  })
  const { findings } = JSON.parse(printed.out || '{"findings":[]}') as { findings: Finding[] }
  return { code, ...printed, findings, by: new Map(findings.map((one) => [one.check, one])) }
}

async function gateway(t: Test, answer: string, certificate: Parameters<typeof authority.issue>[0] = {}) {
  const month = new Date(Date.now() + 30 * DAY_MS)
  const listener: RequestListener = (_request, response) => response.end(answer)
  const server = await startHttpsServer(await authority.issue({ notAfter: month, ...certificate }), listener)
  t.teardown(() => server.close())
  return server.url
}

const READY = '[+]database ok\nreadyz ok\n'

t.test('a gateway that is well has no finding, and the exit code is 0', async (t) => {
  const { code, findings } = await doctor(['--gateway', await gateway(t, READY), '--gateway-ca', ca])
  t.equal(code, 0)
  t.same(
    findings.map(({ check, state }) => `${state} ${check}`),
    ['ok gateway reachable', 'ok gateway TLS', 'ok gateway ready', 'ok gateway clock'],
  )
})

t.test('each thing that can be wrong with a gateway is told apart, with what to do', async (t) => {
  const reserved = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => reserved.once('listening', resolve))
  const { port } = reserved.address() as { port: number }
  await new Promise((resolve) => reserved.close(resolve))
  const https = async (answer = READY, certificate = {}) => [
    '--gateway',
    await gateway(t, answer, certificate),
  ]
  const own = ['--gateway-ca', ca]
  for (const [args, check, state, remedy, now] of [
    [['--gateway', `https://127.0.0.1:${port}`], 'gateway reachable', 'fail', /firewall/],
    [await https(), 'gateway TLS', 'fail', /--gateway-ca/],
    [[...(await https(READY, { ip: ['10.0.0.1'] })), ...own], 'gateway TLS', 'fail', /name/],
    [
      [...(await https(READY, { notAfter: new Date(Date.now() - 1000) })), ...own],
      'gateway TLS',
      'fail',
      /Renew/,
    ],
    [
      [...(await https(READY, { notAfter: new Date(Date.now() + DAY_MS) })), ...own],
      'gateway TLS',
      'warn',
      /Renew/,
    ],
    [[...(await https('hello')), ...own], 'gateway ready', 'fail', /gateway/],
    [[...(await https('[-]signing-keys failed\nreadyz failed\n')), ...own], 'gateway ready', 'fail', /log/],
    [
      [...(await https('[+]database degraded\nreadyz degraded\n')), ...own],
      'gateway ready',
      'warn',
      /database/,
    ],
    [[...(await https()), ...own], 'gateway clock', 'fail', /NTP/, 600_000],
  ] as [string[], string, string, RegExp, number?][]) {
    const { code, by } = await doctor(args, { now })
    t.match(by.get(check), { state, remedy }, `${check} ${state} ${remedy}`)
    t.equal(code, state === 'fail' ? 1 : 0)
  }
})

t.test('without anything to look at it says what it needs, exit code 2', async (t) => {
  t.match(await doctor([]), { code: 2, err: /--kubeconfig/ })
})

const sandbox = await startSandbox({
  role: 'user-cluster',
  dir: join(dir, 'sandbox'),
  port: 0,
  logger: silentLogger,
  path: process.env['PATH'],
})
t.teardown(() => sandbox.close())
const kubeconfig = join(dir, 'sandbox', 'admin.kubeconfig')
const admin = createKubeClient({ server: sandbox.server, ca: sandbox.ca, token: sandbox.adminToken })
t.teardown(() => admin.close())
const post = (path: string[], body: object) => admin.json({ method: 'POST', path, body })
const nodes = ['api', 'v1', 'nodes']

t.test('a user’s cluster without a virtual node: what to install', async (t) => {
  const { code, by } = await doctor(['--kubeconfig', kubeconfig])
  t.equal(code, 1)
  t.match(by.get('user cluster version'), { state: 'ok', message: /^v1\./ })
  t.match(by.get('user cluster nodes'), { state: 'fail', remedy: /node install/ })
})

t.test('a virtual node that is not Ready, untainted and cordoned, and its kubelet port away', async (t) => {
  await post(nodes, {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name: 'east',
      labels: { 'isthmus.dev/virtual-node': 'east', type: 'virtual-kubelet', 'kubernetes.io/os': 'linux' },
    },
    spec: { unschedulable: true },
  })
  const status = {
    addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
    daemonEndpoints: { kubeletEndpoint: { Port: 1 } },
    conditions: [
      { type: 'Ready', status: 'False', reason: 'Away', message: 'it is away' },
      { type: 'isthmus.dev/Connected', status: 'False', reason: 'GatewayUnreachable', message: 'no route' },
    ],
  }
  await admin.json({
    method: 'PATCH',
    path: [...nodes, 'east', 'status'],
    headers: { 'content-type': 'application/merge-patch+json' },
    body: { status },
  })
  const { code, by } = await doctor(['--kubeconfig', kubeconfig, '--node', 'east'])
  t.equal(code, 1)
  t.match(by.get('user cluster node east'), { state: 'fail', message: /Away/ })
  t.match(by.get('user cluster node east gateway'), { state: 'fail', message: /GatewayUnreachable/ })
  t.match(by.get('user cluster node east taint'), { state: 'warn', remedy: /^kubectl taint node east / })
  t.match(by.get('user cluster node east cordon'), { state: 'warn', remedy: 'kubectl uncordon east' })
  t.match(by.get('user cluster node east kubelet port'), { state: /fail|warn/, message: /127\.0\.0\.1:1/ })
})

t.test('rule 30: a DaemonSet that comes to the node is named with the patch that keeps it off', async (t) => {
  t.match((await doctor(['--kubeconfig', kubeconfig])).by.get('user cluster DaemonSets'), { state: 'ok' })
  const labels = { app: 'proxy' }
  await post(['apis', 'apps', 'v1', 'namespaces', 'kube-system', 'daemonsets'], {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name: 'kube-proxy', namespace: 'kube-system' },
    spec: {
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: { tolerations: [{ operator: 'Exists' }], containers: [{ name: 'proxy', image: 'proxy' }] },
      },
    },
  })
  const { by } = await doctor(['--kubeconfig', kubeconfig])
  t.match(by.get('user cluster DaemonSet kube-system/kube-proxy'), {
    state: 'warn',
    remedy: /^kubectl -n kube-system patch daemonset kube-proxy .*NotIn.*virtual-kubelet/,
  })
})

t.test(
  'rule 31: a pending request for a serving certificate comes with the command that approves it',
  async (t) => {
    // Not over HTTP, where a server writes the caller's name into it.
    sandbox.store.create('certificatesigningrequests.certificates.k8s.io', {
      apiVersion: 'certificates.k8s.io/v1',
      kind: 'CertificateSigningRequest',
      metadata: { name: 'csr-1' },
      spec: {
        username: 'system:node:east',
        signerName: 'kubernetes.io/kubelet-serving',
        request: Buffer.from('-----BEGIN CERTIFICATE REQUEST-----\n').toString('base64'),
        usages: ['digital signature', 'server auth'],
      },
    })
    const { by } = await doctor(['--kubeconfig', kubeconfig])
    t.match(by.get('user cluster certificate csr-1'), {
      state: 'warn',
      remedy: 'kubectl certificate approve csr-1',
    })
  },
)

t.test('rule 42: an address of a carried pod within the cluster’s own ranges is found', async (t) => {
  const own = { metadata: { name: 'real' }, spec: { podCIDR: '10.1.0.0/24', podCIDRs: ['10.1.0.0/24'] } }
  await post(nodes, { apiVersion: 'v1', kind: 'Node', ...own })
  t.match((await doctor(['--kubeconfig', kubeconfig])).by.get('network carried pods'), { state: 'ok' })
  const pods = ['api', 'v1', 'namespaces', 'default', 'pods']
  const pod = {
    metadata: { name: 'web' },
    spec: { nodeName: 'east', containers: [{ name: 'web', image: 'web' }] },
  }
  await post(pods, { apiVersion: 'v1', kind: 'Pod', ...pod })
  await admin.json({
    method: 'PATCH',
    path: [...pods, 'web', 'status'],
    headers: { 'content-type': 'application/merge-patch+json' },
    body: { status: { podIP: '10.1.0.9', podIPs: [{ ip: '10.1.0.9' }] } },
  })
  const { by } = await doctor(['--kubeconfig', kubeconfig, '--data-plane-kubeconfig', kubeconfig])
  t.match(by.get('network carried pods'), {
    state: 'fail',
    message: /10\.1\.0\.9 of default\/web/,
    remedy: /isolated/,
  })
  // The same cluster as data plane: its ranges can not but overlap.
  t.match(by.get('network ranges'), { state: 'warn', message: /10\.1\.0\.0\/24/ })
})

t.test('a cluster that does not answer is one finding, not a stack', async (t) => {
  const away = join(dir, 'away.kubeconfig')
  writeFileSync(away, sandbox.adminKubeconfig.replace(sandbox.server, 'https://127.0.0.1:1'))
  const { code, findings, err } = await doctor(['--kubeconfig', away])
  t.match(findings, [{ check: 'user cluster version', state: 'fail', remedy: /kubectl/ }])
  t.same([code, err], [1, ''])
})
