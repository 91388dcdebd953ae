import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseAllDocuments } from 'yaml'
import { createKubeClient } from '../../../src/kube/client/index.ts'
import { silentLogger } from '../../../src/lib/logger.ts'
import { startSandbox } from '../../../src/sandbox/index.ts'
import { eventually } from '../../support/eventually.ts'
import { makeTenant, startReplicas } from '../../support/gateway.ts'
import { startTestServer } from '../../support/postgres.ts'
import t from '../../support/tap.ts'

const server = await startTestServer()
const folder = mkdtempSync(path.join(tmpdir(), 'isthmus-registration-'))
chmodSync(folder, 0o711)
const dataPlane = await startSandbox({ role: 'data-plane', dir: folder, port: 0, logger: silentLogger })
const admin = createKubeClient({ server: dataPlane.server, ca: dataPlane.ca, token: dataPlane.adminToken })
const replicas = await startReplicas(await server.migratedDatabase())
t.teardown(async () => {
  await replicas.close()
  await admin.close()
  await dataPlane.close()
  await server.stop()
  rmSync(folder, { recursive: true, force: true })
})
const token = dataPlane.tokenFor('isthmus-gateway', [])
const { server: address, ca } = dataPlane
const register = (body: object) =>
  replicas.operator('POST', '/v1/clusters', { body: { name: 'dp', server: address, ca, token, ...body } })

/** Where each kind of deploy/data-plane.yaml is created. */
const collections: Record<string, string[]> = {
  Namespace: ['api', 'v1', 'namespaces'],
  ServiceAccount: ['api', 'v1', 'namespaces', 'isthmus-system', 'serviceaccounts'],
  ClusterRole: ['apis', 'rbac.authorization.k8s.io', 'v1', 'clusterroles'],
  ClusterRoleBinding: ['apis', 'rbac.authorization.k8s.io', 'v1', 'clusterrolebindings'],
  ValidatingAdmissionPolicy: ['apis', 'admissionregistration.k8s.io', 'v1', 'validatingadmissionpolicies'],
  ValidatingAdmissionPolicyBinding: [
    'apis',
    'admissionregistration.k8s.io',
    'v1',
    'validatingadmissionpolicybindings',
  ],
}

async function apply(kinds: (kind: string) => boolean): Promise<void> {
  const manifest = readFileSync(new URL('../../../deploy/data-plane.yaml', import.meta.url), 'utf8')
  for (const document of parseAllDocuments(manifest)) {
    const body = document.toJS() as { kind: string } | null
    if (body && kinds(body.kind)) await admin.json({ method: 'POST', path: collections[body.kind]!, body })
  }
}
const isPolicy = (kind: string) => kind.startsWith('ValidatingAdmission')

t.test('a credential without rights is refused, and each missing right is named', async (t) => {
  const answer = await register({})
  t.equal(answer.status, 422)
  for (const right of [
    'create pods/exec',
    'bind clusterroles "isthmus-tenant-namespace"',
    'list events',
    'create namespaces',
  ])
    t.ok(
      answer.json.errors.some((each: { message: string }) => each.message.includes(right)),
      right,
    )
  t.notMatch(answer.text, new RegExp(token))
})

t.test('with every right but without the policy’s confinement it is refused', async (t) => {
  await apply((kind) => !isPolicy(kind))
  const answer = await register({})
  t.equal(answer.status, 422)
  t.match(answer.json.detail, /not confined/)
})

t.test('with rights and confinement it is registered; nothing of its credential is ever shown', async (t) => {
  await apply(isPolicy)
  const answer = await eventually('the policy is in force', async () => {
    const tried = await register({ network: 'flat' })
    return tried.status === 201 ? tried : undefined
  })
  t.match(answer.json, { name: 'dp', network: 'flat', maintenance: false, reachable: true, server: address })
  t.match(answer.json.kubernetesVersion, /^v1\.\d+/)
  const shown = [
    answer,
    await replicas.operator('GET', '/v1/clusters'),
    await replicas.operator('GET', '/v1/clusters/dp'),
  ]
  for (const { text } of shown) t.notMatch(text, new RegExp(`${token}|BEGIN|sealed`, 'i'))
})

t.test('an administrator’s credential, which no policy confines, is refused', async (t) => {
  const answer = await register({ name: 'admin', token: dataPlane.adminToken })
  t.equal(answer.status, 422)
  t.match(answer.json.detail, /not confined/)
})

t.test('wrong CA, wrong token, wrong address, plain HTTP: each has its answer', async (t) => {
  const other = (body: object) => register({ name: 'other', ...body })
  t.equal((await other({ ca: undefined })).status, 502, 'A19: TLS is verified')
  t.equal((await other({ token: 'wrong' })).status, 422)
  t.equal((await other({ server: 'https://127.0.0.1:1' })).status, 502)
  for (const bad of [
    'http://127.0.0.1',
    'https://user:pw@127.0.0.1',
    'https://127.0.0.1/?x=1',
    'not a url',
    'file:///etc/passwd',
    'https://169.254.169.254',
  ])
    t.equal((await other({ server: bad })).status, 422, bad)
  t.equal((await other({ token: undefined })).status, 422)
  t.equal((await other({ clientCertificate: 'x' })).status, 422)
})

t.test('a kubeconfig is read strictly: no exec, no file paths', async (t) => {
  const config = (user: object) => ({
    kubeconfig: JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'c',
      contexts: [{ name: 'c', context: { cluster: 'k', user: 'u' } }],
      clusters: [
        {
          name: 'k',
          cluster: { server: address, 'certificate-authority-data': Buffer.from(ca).toString('base64') },
        },
      ],
      users: [{ name: 'u', user }],
    }),
  })
  const send = (user: object) =>
    replicas.operator('POST', '/v1/clusters', { body: { name: 'by-file', ...config(user) } })
  t.equal(
    (
      await send({
        exec: { command: 'touch', args: ['/tmp/pwned'], apiVersion: 'client.authentication.k8s.io/v1' },
      })
    ).status,
    422,
  )
  t.equal((await send({ tokenFile: '/etc/passwd' })).status, 422)
  t.equal((await send({ 'client-certificate': '/etc/passwd', 'client-key': '/etc/shadow' })).status, 422)
  t.equal((await send({ token })).status, 201)
})

t.test('an update is checked as a registration is; maintenance keeps new objects off', async (t) => {
  const patch = (body: object) => replicas.operator('PATCH', '/v1/clusters/dp', { body })
  t.equal((await patch({ token: dataPlane.adminToken })).status, 422)
  t.equal((await patch({ token: dataPlane.tokenFor('isthmus-gateway', []) })).status, 200)
  const cluster = (await patch({ network: 'isolated', maintenance: true })).json
  t.match(cluster, { network: 'isolated', maintenance: true })
  const made = await makeTenant(replicas, 'acme', cluster.id)
  const { quota } = replicas.gateways[0]!.services
  const reservation = {
    id: crypto.randomUUID(),
    ...made,
    clusterId: cluster.id,
    namespace: 'default',
    physicalNamespace: `t-${'a'.repeat(26)}`,
    name: 'p',
    amounts: new Map([['pods', 1000n]]),
  }
  await t.rejects(quota.reserve(reservation), { code: 'unavailable' })
  await patch({ maintenance: false })
  await quota.reserve(reservation)
})
