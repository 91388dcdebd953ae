import { randomBytes } from 'node:crypto'
import { bootstrapOperator } from '../../src/gateway/bootstrap.ts'
import { type GatewayConfig, gatewayConfig } from '../../src/gateway/config.ts'
import { type RunningGateway, startGateway } from '../../src/gateway/gateway.ts'
import { silentLogger } from '../../src/lib/logger.ts'

/** An answer with its body read. */
export interface Answer {
  status: number
  headers: Headers
  text: string
  /** The body as JSON; undefined when it is none. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies of every shape
  json: any
}

export interface Replicas {
  gateways: RunningGateway[]
  adminToken: string
  /** A request to an operator listener; as the first admin unless told otherwise. */
  operator(method: string, path: string, options?: CallOptions): Promise<Answer>
  /** A request to a public listener. */
  call(method: string, path: string, options?: CallOptions): Promise<Answer>
  close(): Promise<void>
}

export interface CallOptions {
  /** Which replica; the first by default. */
  replica?: number
  token?: string | null
  body?: unknown
  headers?: Record<string, string>
}

/** Gateways in this process on one database, over plain HTTP on free loopback ports. */
export async function startReplicas(
  databaseUrl: string,
  count = 1,
  settings: Partial<GatewayConfig> = {},
): Promise<Replicas> {
  const masterKeys = [randomBytes(32).toString('base64')]
  const config = gatewayConfig({
    databaseUrl,
    masterKeys,
    insecureHttp: true,
    publicHost: '127.0.0.1',
    publicPort: 0,
    operatorPort: 0,
    drainGrace: 200,
    reconcileInterval: 1_000,
    ...settings,
  })
  const gateways: RunningGateway[] = []
  for (let index = 0; index < count; index++)
    gateways.push(await startGateway(config, { logger: silentLogger }))
  const adminToken = (await bootstrapOperator(gateways[0]!.services.operators)) as string

  async function request(base: string, method: string, path: string, options: CallOptions, token?: string) {
    const headers: Record<string, string> = { ...options.headers }
    if (token !== undefined) headers['authorization'] = `Bearer ${token}`
    let body: string | undefined
    if (typeof options.body === 'string') body = options.body
    else if (options.body !== undefined) {
      headers['content-type'] ??= 'application/json'
      body = JSON.stringify(options.body)
    }
    const reply = await fetch(base + path, { method, headers, body, redirect: 'manual' })
    const text = await reply.text()
    let json: unknown
    try {
      json = JSON.parse(text)
    } catch {
      json = undefined
    }
    return { status: reply.status, headers: reply.headers, text, json }
  }

  return {
    gateways,
    adminToken,
    operator(method, path, options = {}) {
      const token = options.token === null ? undefined : (options.token ?? adminToken)
      return request(gateways[options.replica ?? 0]!.operatorUrl, method, path, options, token)
    },
    call(method, path, options = {}) {
      return request(
        gateways[options.replica ?? 0]!.publicUrl,
        method,
        path,
        options,
        options.token ?? undefined,
      )
    },
    async close() {
      await Promise.all(gateways.map((gateway) => gateway.close()))
    },
  }
}

/** A tenant with a node on a cluster whose data plane is `server`, and an agent's token for it. */
export interface MadeTenant {
  tenantId: string
  nodeId: string
  credentialId: string
  clientSecret: string
  token: string
}

/** Makes tenant, node and credential through the operator face; the cluster is a row of this id. */
export async function makeTenant(
  replicas: Replicas,
  name: string,
  clusterId: string,
  kind: 'agent' | 'client' = 'agent',
): Promise<MadeTenant> {
  const tenant = await replicas.operator('POST', '/v1/tenants', {
    body: { name, quota: { pods: '10' }, otherResources: 'unlimited' },
  })
  const node = await replicas.operator('POST', '/v1/nodes', {
    body: {
      name: 'east',
      tenant: name,
      cluster: clusterId,
      capacity: { pods: '20', cpu: '8', memory: '16Gi' },
    },
  })
  const credential = await replicas.operator('POST', '/v1/credentials', {
    body: { node: `${name}/east`, kind },
  })
  const made = {
    tenantId: tenant.json.id,
    nodeId: node.json.id,
    credentialId: credential.json.id,
    clientSecret: credential.json.clientSecret,
  }
  return { ...made, token: await tokenOf(replicas, made) }
}

/** Asks the token face. */
export async function tokenOf(
  replicas: Replicas,
  credential: { credentialId: string; clientSecret: string },
  replica = 0,
): Promise<string> {
  const form = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: credential.credentialId,
    client_secret: credential.clientSecret,
  })
  const answer = await replicas.call('POST', '/oauth/token', {
    replica,
    body: form.toString(),
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  })
  if (answer.status !== 200) throw new Error(`no token: ${answer.status} ${answer.text}`)
  return answer.json.access_token
}
