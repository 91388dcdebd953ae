import { X509Certificate } from 'node:crypto'
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { V1CertificateSigningRequest } from '@kubernetes/client-node'
import { openClientIdentity } from '../../../src/agent/identity/node-identity.ts'
import { createServingCertificate } from '../../../src/agent/kubelet/serving-certificate.ts'
import { createKubeClient, type KubeClient } from '../../../src/kube/index.ts'
import { type Clock, systemClock } from '../../../src/lib/clock.ts'
import { silentLogger } from '../../../src/lib/logger.ts'
import { type Sandbox, startSandbox } from '../../../src/sandbox/index.ts'
import { eventually } from '../../support/eventually.ts'
import t, { type Test } from '../../support/tap.ts'

const YEAR_MS = 365 * 24 * 3600_000
const TOKEN = 'abcdef.0123456789abcdef'
const CSRS = ['apis', 'certificates.k8s.io', 'v1', 'certificatesigningrequests']

const dir = mkdtempSync(join(tmpdir(), 'isthmus-identity-'))
let sandbox: Sandbox
let admin: KubeClient

t.before(async () => {
  sandbox = await startSandbox({ role: 'user-cluster', dir, port: 0, logger: silentLogger })
  admin = createKubeClient({ server: sandbox.server, ca: sandbox.ca, token: sandbox.adminToken })
  const [id, secret] = TOKEN.split('.')
  await admin.json({
    method: 'POST',
    path: ['api', 'v1', 'namespaces', 'kube-system', 'secrets'],
    body: {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: `bootstrap-token-${id}` },
      type: 'bootstrap.kubernetes.io/token',
      stringData: {
        'token-id': id,
        'token-secret': secret,
        'usage-bootstrap-authentication': 'true',
        'auth-extra-groups': 'system:bootstrappers:kubeadm:default-node-token',
      },
    },
  })
})
t.teardown(async () => {
  await admin?.close()
  await sandbox?.close()
  rmSync(dir, { recursive: true, force: true })
})

/** The machine's clock, moved on by hand; its sleeps are short, so that what waits for it is looked at soon. */
function movableClock(): Clock & { offsetMs: number } {
  const clock = {
    offsetMs: 0,
    now: () => Date.now() + clock.offsetMs,
    elapsed: () => performance.now() + clock.offsetMs,
    sleep: (ms: number, signal?: AbortSignal) => systemClock.sleep(Math.min(ms, 20), signal),
  }
  return clock
}

async function requestsOf(node: string): Promise<V1CertificateSigningRequest[]> {
  const { items } = await admin.json<{ items: V1CertificateSigningRequest[] }>({ method: 'GET', path: CSRS })
  return items.filter(({ metadata }) => metadata?.name?.startsWith(`isthmus-${node}-`))
}

function open(t: Test, nodeName: string, clock = movableClock(), bootstrapToken = TOKEN) {
  const stopping = new AbortController()
  const draws = [0] // the first certificate is renewed at 70 % of its life, later ones at 90 %
  t.teardown(() => stopping.abort(new Error('the test is over')))
  return openClientIdentity({
    directory: join(dir, 'certificates', nodeName),
    nodeName,
    bootstrap: { server: sandbox.server, ca: sandbox.ca, token: bootstrapToken },
    userAgent: 'test',
    clock,
    logger: silentLogger,
    random: () => draws.shift() ?? 1,
    signal: stopping.signal,
  }).then((identity) => {
    t.teardown(() => identity.close())
    return identity
  })
}

t.test(
  '§1.1 identity: a bootstrap token becomes a node’s certificate by CSR, kept on disk for its owner alone',
  async (t) => {
    const { target } = await open(t, 'first')
    const client = createKubeClient(target)
    t.teardown(() => client.close())
    await client.json({ method: 'POST', path: ['api', 'v1', 'nodes'], body: nodeBody('first') })
    await t.rejects(client.json({ method: 'GET', path: ['api', 'v1', 'secrets'] }), { code: 403 })
    await t.rejects(client.json({ method: 'GET', path: ['api', 'v1', 'nodes', 'second'] }), { code: 403 })
    const folder = join(dir, 'certificates', 'first')
    t.same(readdirSync(folder), ['kubelet-client-current.pem'], 'the key of the request is forgotten')
    t.equal(statSync(join(folder, 'kubelet-client-current.pem')).mode & 0o777, 0o600)

    const again = await open(t, 'first', movableClock(), 'a-token.that-is-gone')
    t.equal(again.target.currentCertificate?.().cert, target.currentCertificate?.().cert, 'a restart')
    t.equal((await requestsOf('first')).length, 1, 'asked once')
  },
)

t.test(
  '§1.1 identity: it is renewed with itself at 70 to 90 % of its life, and no watch is dropped',
  async (t) => {
    const clock = movableClock()
    const identity = await open(t, 'second', clock)
    const before = identity.target.currentCertificate?.().cert
    const client = createKubeClient(identity.target)
    t.teardown(() => client.close())
    const path = ['api', 'v1', 'services']
    const watch = await client.send({ method: 'GET', path, query: { watch: true } })
    let seen = ''
    watch.body.on('data', (chunk: Buffer) => (seen += chunk))
    watch.body.on('error', () => {})
    identity.run().catch(() => {})
    t.equal(identity.target.currentCertificate?.().cert, before, 'not before its time')
    clock.offsetMs = 0.75 * YEAR_MS
    await eventually('another certificate', () => identity.target.currentCertificate?.().cert !== before)
    const requests = await requestsOf('second')
    t.same(requests.map(({ spec }) => spec.username).sort(), [
      'system:bootstrap:abcdef',
      'system:node:second',
    ])
    await client.json({ method: 'POST', path: ['api', 'v1', 'nodes'], body: nodeBody('second') })
    const service = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'late' },
      spec: { ports: [{ port: 80 }] },
    }
    await admin.json({
      method: 'POST',
      path: ['api', 'v1', 'namespaces', 'default', 'services'],
      body: service,
    })
    await eventually('the watch of before goes on', () => seen.includes('"late"'))
    watch.body.destroy()
  },
)

const nodeBody = (name: string) => ({ apiVersion: 'v1', kind: 'Node', metadata: { name } })

t.test(
  '§1.1 identity: what runs out while nobody looks is asked for anew with the bootstrap token',
  async (t) => {
    const clock = movableClock()
    const first = await open(t, 'third', clock)
    clock.offsetMs = 2 * YEAR_MS
    // Of a cluster whose clock is the machine's: what it issues now has run out as well, until the clock is back.
    const late = open(t, 'third', clock)
    await eventually('it asks', async () => (await requestsOf('third')).length === 2)
    clock.offsetMs = 0
    t.ok((await late).target.currentCertificate?.().cert)
    t.equal(
      (await requestsOf('third')).every(({ spec }) => spec.username === 'system:bootstrap:abcdef'),
      true,
    )
    t.ok(first)
  },
)

/** What `kubectl certificate approve` and `deny` do. */
async function decide(csr: string, type: 'Approved' | 'Denied'): Promise<void> {
  await admin.json({
    method: 'PATCH',
    path: [...CSRS, csr, 'approval'],
    headers: { 'content-type': 'application/merge-patch+json' },
    body: { status: { conditions: [{ type, status: 'True', reason: 'ByHand' }] } },
  })
}

function serving(t: Test, clock: Clock, user: KubeClient) {
  const used: string[] = []
  const events: string[] = []
  const stopping = new AbortController()
  const certificate = createServingCertificate({
    directory: join(dir, 'certificates', 'serving'),
    nodeName: 'serving',
    nodeIp: '192.0.2.7',
    user,
    recorder: { event: (_target, _type, reason, message) => events.push(`${reason}: ${message}`) },
    clock,
    logger: silentLogger,
    random: () => 0,
    signal: stopping.signal,
    onChange: (cert) => used.push(cert),
  })
  const stop = () => stopping.abort(new Error('stop'))
  t.teardown(stop)
  return { certificate, used, events, stop }
}

t.test(
  'rule 31: a serving certificate is never approved by itself: the node says how, keeps its request through a restart, and takes what is issued',
  async (t) => {
    const identity = await open(t, 'serving')
    const user = createKubeClient(identity.target)
    t.teardown(() => user.close())
    const clock = movableClock()
    const first = serving(t, clock, user)
    t.equal(await first.certificate.load(), undefined, 'self-signed so far')
    const firstRun = first.certificate.run().catch(() => {})
    const pending = async () =>
      (await requestsOf('serving')).filter(({ spec }) => spec.signerName === 'kubernetes.io/kubelet-serving')
    await eventually('it asks', async () => (await pending()).length === 1)
    clock.offsetMs += 11_000
    await eventually('the Event', () => first.events.length > 0)
    const name = (await pending())[0]?.metadata?.name ?? ''
    t.match(first.events[0], `kubectl certificate approve ${name}`)
    t.same((await pending())[0]?.status?.conditions ?? [], [])
    first.stop()
    await firstRun

    const second = serving(t, movableClock(), user)
    const secondRun = second.certificate.run().catch(() => {})
    await decide(name, 'Approved')
    await eventually('the certificate is used', () => second.used.length === 1)
    t.equal((await pending()).length, 1, 'one request in all')
    const leaf = new X509Certificate(second.used[0] ?? '')
    t.ok(leaf.checkIP('192.0.2.7'))
    t.match(leaf.subject, 'CN=system:node:serving')
    second.stop()
    await secondRun

    const third = serving(t, movableClock(), user)
    t.ok(await third.certificate.load(), 'a restart has it at once')
  },
)

t.test('rule 31: a denied serving certificate is asked for again, with another key', async (t) => {
  const identity = await open(t, 'denied')
  const user = createKubeClient(identity.target)
  t.teardown(() => user.close())
  rmSync(join(dir, 'certificates', 'serving'), { recursive: true, force: true })
  const before = (await requestsOf('serving')).length
  const { certificate, stop } = serving(t, movableClock(), user)
  const run = certificate.run().catch(() => {})
  const more = async (count: number) => (await requestsOf('serving')).length === before + count
  await eventually('it asks', () => more(1))
  const asked = (await requestsOf('serving')).find(({ status }) => !status?.conditions)
  await decide(asked?.metadata?.name ?? '', 'Denied')
  await eventually('it asks by another request', () => more(2))
  stop()
  await run
})
