import { randomBytes, randomUUID } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseAllDocuments } from 'yaml'
import { startBalancer } from '../../kubernetes/harness/balancer.ts'
import { hasKubernetesWorld } from '../../kubernetes/harness/world.ts'
import { createTestCa } from '../certificates.ts'
import { eventually } from '../eventually.ts'
import { startTestServer } from '../postgres.ts'
import { realClusters, startSandboxCluster, type TestCluster } from './cluster.ts'
import { emptyDataPlane, emptyUserCluster } from './empty-cluster.ts'
import { type HttpTarget, http, json } from './http.ts'
import { runIsthmus, startIsthmus, type TestProcess } from './process.ts'

export interface GatewayReady {
  publicUrl: string
  operatorUrl: string
}

export type Gateway = TestProcess<GatewayReady>

/** A virtual node with its tenant and the agent's credential. */
export interface TestNode {
  tenant: string
  name: string
  clientId: string
  clientSecret: string
}

/** Everything of Isthmus for one test file: two gateways on one database, a data plane and two user clusters. */
export interface World {
  kind: 'sandbox' | 'kubernetes'
  dir: string
  dataPlane: TestCluster
  userClusters: TestCluster[]
  /** Two processes unless told otherwise; restarted ones take their place in the list. */
  gateways: Gateway[]
  /** Where agents and clients find the gateways: HAProxy before both on real Kubernetes, else the first of them. */
  publicUrl(): string
  /** PEM and path of the gateways' CA. */
  ca: string
  caFile: string
  /** An image whose containers have `sh`. */
  image: string
  /** The operator face of a gateway, as the first operator. */
  operator(gateway?: number): HttpTarget
  /** A virtual node of a tenant, which is made when it is not there. Names are the file's own. */
  addNode(
    tenant: string,
    node: string,
    options?: { quota?: Record<string, string>; capacity?: Record<string, string> },
  ): Promise<TestNode>
  /** The Kubernetes face as a `client` credential of that node, on one of the gateways where that matters. */
  clientOf(
    node: TestNode,
    options?: { access?: string; gateway?: number },
  ): Promise<HttpTarget & { credentialId: string }>
  /** A token for a credential. */
  token(clientId: string, clientSecret: string, gateway?: number): Promise<string>
  startAgent(
    node: TestNode,
    userCluster: TestCluster,
    options?: { gateway?: number; args?: string[] },
  ): Promise<TestProcess<unknown>>
  startGateway(name: string, args?: string[]): Promise<Gateway>
  /** Stops everything that it started. */
  close(): Promise<void>
}

/** Node names whose identity a sandbox user cluster can give. */
const NODES = ['east', 'west', 'north', 'south', 'centre']
const MANIFEST = fileURLToPath(new URL('../../../deploy/data-plane.yaml', import.meta.url))

export interface WorldOptions {
  /** Running clusters to use instead of those of `npm run test:kubernetes` or sandboxes; without a balancer. */
  clusters?: { dataPlane: TestCluster; userClusters: TestCluster[] }
  /** PostgreSQL with its default durability; off for tests, whose rows nobody misses after a power cut. */
  durable?: boolean
  /** Sandboxes as user clusters: 2 by default, 1 for a file that needs no other. Real ones are always two. */
  userClusters?: 1 | 2
  /** Gateway processes; 2 by default. */
  gateways?: number
  /** Environment variables of the gateways. */
  gatewayEnv?: Record<string, string>
}

/** What a world stops, stage by stage; those of one stage at once. */
type Stops = Record<'agents' | 'servers' | 'database' | 'last', (() => Promise<unknown>)[]>

/** Opens a world: on real Kubernetes when `npm run test:kubernetes` started this process, else on sandboxes. */
export async function openWorld(options: WorldOptions = {}): Promise<World> {
  const kind = options.clusters !== undefined || hasKubernetesWorld() ? 'kubernetes' : 'sandbox'
  const dir = mkdtempSync(join(tmpdir(), 'isthmus-world-'))
  const stops: Stops = { agents: [], servers: [], database: [], last: [] }
  async function close(): Promise<void> {
    for (const stage of Object.values(stops)) {
      const ended = await Promise.allSettled(stage.splice(0).map((stop) => stop()))
      for (const result of ended) if (result.status === 'rejected') throw result.reason
    }
    rmSync(dir, { recursive: true, force: true })
  }
  try {
    return await build(kind, dir, stops, close, options)
  } catch (error) {
    await close()
    throw error
  }
}

async function build(
  kind: World['kind'],
  dir: string,
  stops: Stops,
  close: () => Promise<void>,
  options: WorldOptions,
): Promise<World> {
  const postgres = await startTestServer({ durable: options.durable })
  stops.database.push(() => postgres.stop())
  const databaseUrl = await postgres.emptyDatabase()
  const authority = await createTestCa()
  const pair = await authority.issue()
  const caFile = join(dir, 'gateway-ca.crt')
  writeFileSync(caFile, authority.ca)
  writeFileSync(join(dir, 'tls.crt'), pair.cert)
  writeFileSync(join(dir, 'tls.key'), pair.key, { mode: 0o600 })
  const env = { DATABASE_URL: databaseUrl, ISTHMUS_MASTER_KEYS: randomBytes(32).toString('base64') }

  async function startGateway(name: string, args: string[] = []): Promise<Gateway> {
    const listeners = ['--host', '127.0.0.1', '--port', '0', '--operator-port', '0']
    const tls = ['--tls-cert', join(dir, 'tls.crt'), '--tls-key', join(dir, 'tls.key')]
    const gateway: Gateway = await startIsthmus(dir, name, ['gateway', ...listeners, ...tls, ...args], {
      ...env,
      ...options.gatewayEnv,
    })
    stops.servers.push(() => gateway.stop())
    return gateway
  }

  async function clusters() {
    if (options.clusters !== undefined) return options.clusters
    if (kind === 'kubernetes') return sharedClusters(stops)
    const names = ['user-1', 'user-2'].slice(0, options.userClusters ?? 2)
    const [dataPlane, ...userClusters] = await Promise.all([
      startSandboxCluster(dir, 'data-plane', 'data-plane'),
      ...names.map((name) => startSandboxCluster(dir, name, 'user-cluster', NODES)),
    ])
    for (const cluster of [dataPlane, ...userClusters]) stops.servers.push(() => cluster.stop())
    return { dataPlane, userClusters }
  }

  const replicas = Array.from({ length: options.gateways ?? 2 }, (_, index) => `gateway-${index + 1}`)
  const [{ dataPlane, userClusters }, gateways] = await Promise.all([
    clusters(),
    Promise.all(replicas.map((name) => startGateway(name))),
  ])
  let balanced: string | undefined
  if (kind === 'kubernetes' && options.clusters === undefined) {
    const backends = gateways.map(({ ready }) => new URL(ready.publicUrl).host)
    const balancer = await startBalancer({ dir: join(dir, 'balancer'), backends })
    stops.servers.push(() => balancer.stop())
    balanced = `https://${balancer.authority}`
  }
  const publicUrl = (gateway?: number): string =>
    gateway === undefined && balanced !== undefined
      ? balanced
      : (gateways[gateway ?? 0]?.ready.publicUrl ?? '')
  const bootstrap = await runIsthmus(['operator', 'bootstrap', '--raw'], env)
  if (bootstrap.code !== 0) throw new Error(`operator bootstrap: ${bootstrap.stderr}`)
  const operatorToken = bootstrap.stdout.trim()
  const ca = authority.ca

  const operator = (gateway = 0): HttpTarget => ({
    server: gateways[gateway]?.ready.operatorUrl ?? '',
    ca,
    token: operatorToken,
  })
  const post = <T>(path: string, body: unknown) =>
    json<T>(operator(), { method: 'POST', path, body, headers: { 'idempotency-key': randomUUID() } })

  const clusterName = `dp-${randomBytes(3).toString('hex')}`
  const token = await prepareDataPlane(dataPlane)
  const { server, ca: clusterCa } = dataPlane.admin
  await post('/v1/clusters', { name: clusterName, server, ca: clusterCa, token, network: 'flat' })

  const world: World = {
    kind,
    dir,
    dataPlane,
    userClusters,
    gateways,
    publicUrl: () => publicUrl(),
    ca,
    caFile,
    image: kind === 'kubernetes' ? 'busybox:1' : 'isthmus.dev/sandbox/sh:1',
    operator,
    async addNode(tenant, name, options = {}) {
      const quota = options.quota ?? { pods: '50', 'requests.cpu': '16', 'requests.memory': '16Gi' }
      const known = await http(operator(), { path: `/v1/tenants/${tenant}` })
      if (known.status === 404)
        await post('/v1/tenants', { name: tenant, quota, otherResources: 'unlimited' })
      const capacity = options.capacity ?? { cpu: '16', memory: '32Gi', pods: '60' }
      await post('/v1/nodes', { name, tenant, cluster: clusterName, capacity })
      const body = { node: `${tenant}/${name}`, kind: 'agent' }
      const credential = await post<{ id: string; clientSecret: string }>('/v1/credentials', body)
      return { tenant, name, clientId: credential.id, clientSecret: credential.clientSecret }
    },
    async token(clientId, clientSecret, gateway) {
      const basic = Buffer.from(
        `${encodeURIComponent(clientId)}:${encodeURIComponent(clientSecret)}`,
      ).toString('base64')
      const target = { server: publicUrl(gateway), ca }
      const reply = await json<{ access_token: string }>(target, {
        method: 'POST',
        path: '/oauth/token',
        body: 'grant_type=client_credentials',
        headers: { 'content-type': 'application/x-www-form-urlencoded', authorization: `Basic ${basic}` },
      })
      return reply.access_token
    },
    async clientOf(node, options = {}) {
      const body = { node: `${node.tenant}/${node.name}`, kind: 'client', access: options.access ?? 'edit' }
      const credential = await post<{ id: string; clientSecret: string }>('/v1/credentials', body)
      const { gateway } = options
      const accessToken = await world.token(credential.id, credential.clientSecret, gateway)
      return {
        server: publicUrl(gateway),
        ca,
        token: accessToken,
        credentialId: credential.id,
      }
    },
    async startAgent(node, userCluster, options = {}) {
      const secretFile = join(dir, `${node.tenant}-${node.name}.secret`)
      writeFileSync(secretFile, node.clientSecret, { mode: 0o600 })
      const serving = await userCluster.kubeletCertificate?.(node.name)
      const args = {
        ...(serving ? { 'kubelet-cert': serving.cert, 'kubelet-key': serving.key } : {}),
        'node-name': node.name,
        kubeconfig: await userCluster.nodeKubeconfig(node.name),
        gateway: publicUrl(options.gateway),
        'gateway-ca': caFile,
        'client-id': node.clientId,
        'client-secret-file': secretFile,
        'node-ip': userCluster.nodeAddress,
        'kubelet-port': '0',
        'kubelet-client-ca': userCluster.caFile,
      }
      const flags = Object.entries(args).flatMap(([flag, value]) => [`--${flag}`, value])
      const name = `agent-${node.tenant}-${node.name}`
      const agent = await startIsthmus(dir, name, ['agent', ...flags, ...(options.args ?? [])])
      stops.agents.push(() => agent.stop())
      return agent
    },
    startGateway,
    close,
  }
  return world
}

/** The clusters of the run, without what the file before has left; emptied again at the end. */
async function sharedClusters(stops: Stops) {
  const { dataPlane, userClusters } = realClusters()
  const empty = () => Promise.all([...userClusters.map(emptyUserCluster), emptyDataPlane(dataPlane)])
  await empty()
  stops.last.push(empty) // when no agent is there any more
  return { dataPlane, userClusters }
}

const COLLECTIONS: Record<string, string> = {
  Namespace: '/api/v1/namespaces',
  ServiceAccount: '/api/v1/namespaces/isthmus-system/serviceaccounts',
  ClusterRole: '/apis/rbac.authorization.k8s.io/v1/clusterroles',
  ClusterRoleBinding: '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings',
  ValidatingAdmissionPolicy: '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies',
  ValidatingAdmissionPolicyBinding: '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings',
}

/** Applies deploy/data-plane.yaml, once per cluster, and gives a token of the gateway's account there. */
async function prepareDataPlane(cluster: TestCluster): Promise<string> {
  for (const document of parseAllDocuments(readFileSync(MANIFEST, 'utf8'))) {
    const body = document.toJS() as { kind: string } | null
    if (body === null) continue
    const path = COLLECTIONS[body.kind]
    if (path === undefined) throw new Error(`deploy/data-plane.yaml: unexpected ${body.kind}`)
    const reply = await http(cluster.admin, { method: 'POST', path, body })
    if (reply.status !== 201 && reply.status !== 409)
      throw new Error(`${body.kind}: ${reply.status} ${reply.text}`)
  }
  const path = `${COLLECTIONS['ServiceAccount']}/isthmus-gateway/token`
  const body = {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: { expirationSeconds: 86_400 },
  }
  const reply = await json<{ status: { token: string } }>(cluster.admin, { method: 'POST', path, body })
  const { token } = reply.status
  // An API server compiles a policy a moment after it took it.
  const gateway = { server: cluster.admin.server, ca: cluster.admin.ca, token }
  const probe = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'not-confined' } }
  await eventually('the admission policy is in force', async () => {
    const tried = await http(gateway, { method: 'POST', path: '/api/v1/namespaces?dryRun=All', body: probe })
    return tried.status === 403
  })
  return token
}
