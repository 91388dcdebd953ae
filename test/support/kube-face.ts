import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeServer } from '../../src/gateway/plugins/server.ts'
import type { KubernetesFaceDeps } from '../../src/gateway/routes/kube/deps.ts'
import { createUpgradeHandler, registerKubernetesFace } from '../../src/gateway/routes/kube/index.ts'
import { createKubeClient } from '../../src/kube/client/index.ts'
import type { KubeClient } from '../../src/kube/client/types.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { silentLogger } from '../../src/lib/logger.ts'
import { type Sandbox, startSandbox } from '../../src/sandbox/index.ts'
import type { CertificatePair } from './certificates.ts'
import { createGatewayFakes, type GatewayFakes } from './gateway-fakes.ts'
import type { Test } from './tap.ts'

/** Any JSON, as loosely as a test wants to look at it. */
// biome-ignore lint/suspicious/noExplicitAny: tests read deep into objects of every kind
export type Loose = any

export interface FaceAnswer {
  status: number
  headers: IncomingHttpHeaders
  text: string
  json: Loose
}

export interface FaceRequest {
  token?: string
  headers?: Record<string, string>
  /** Objects are sent as JSON; strings and bytes as they are. */
  body?: unknown
  contentType?: string
}

/** A Kubernetes face on a loopback port, on fakes of the gateway's ports. */
export interface TestFace {
  fakes: GatewayFakes
  url: string
  port: number
  /** Everything that was returned so far, headers and bodies, but logs: to be searched for what must not come through. */
  returned: string[]
  /** Names that only the last wall caught. */
  leaks: string[]
  /** `GET /api/v1/…` with the token of the first node unless told. */
  request(line: string, options?: FaceRequest): Promise<FaceAnswer>
  /** Reads a watch or a log line by line; call `close` to leave. */
  stream(path: string, options?: FaceRequest): Promise<FaceStream>
}

export interface FaceStream {
  status: number
  headers: IncomingHttpHeaders
  /** All lines so far. */
  lines: string[]
  /** Watch events so far. */
  events(): Loose[]
  ended: boolean
  close(): void
}

export interface FaceOptions {
  client: KubeClient
  fakes?: GatewayFakes
  deps?: Partial<KubernetesFaceDeps>
  /** Serves HTTPS, without which kubectl sends no credential (rule 4). */
  tls?: CertificatePair & { ca: string }
}

/** Starts a face; `t.teardown` ends it. */
export async function startFace(
  t: Test,
  { client, fakes = createGatewayFakes(), deps, tls }: FaceOptions,
): Promise<TestFace> {
  const leaks: string[] = []
  const returned: string[] = []
  const app = makeServer({ logger: silentLogger, tls })
  const all: KubernetesFaceDeps = {
    ...fakes,
    upstreams: { client: () => client },
    logger: silentLogger,
    clock: systemClock,
    continueKey: new Uint8Array(32).fill(7),
    defaultRequests: { cpu: '100m', memory: '128Mi' },
    onLeak: (where) => leaks.push(where),
    ...deps,
  }
  await registerKubernetesFace(app, all)
  const upgrade = createUpgradeHandler(all)
  app.server.on('upgrade', (request, socket, head) => void upgrade(request, socket, head))
  await app.listen({ host: '127.0.0.1', port: 0 })
  t.teardown(() => app.close())
  const { port } = app.server.address() as AddressInfo
  const url = `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`
  let firstToken: string | undefined
  const original = fakes.addNode
  fakes.addNode = (options) => {
    const made = original(options)
    firstToken ??= made.token
    return made
  }

  /** node:http on purpose: fetch would fold `..` and `%2e%2e` before they are sent. */
  const open = async (method: string, path: string, options: FaceRequest) => {
    const token = options.token ?? firstToken
    const body =
      options.body === undefined || typeof options.body === 'string' || options.body instanceof Uint8Array
        ? (options.body as string | Uint8Array | undefined)
        : JSON.stringify(options.body)
    const request = (tls === undefined ? httpRequest : httpsRequest)({
      ca: tls?.ca,
      host: '127.0.0.1',
      port,
      method,
      path,
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined
          ? {}
          : {
              'content-type': options.contentType ?? 'application/json',
              'content-length': Buffer.byteLength(body),
            }),
        ...options.headers,
      },
    })
    request.end(body)
    const [response] = await once(request, 'response')
    return { request, response: response as import('node:http').IncomingMessage }
  }

  return {
    fakes,
    url,
    port,
    leaks,
    returned,
    async request(line, options = {}) {
      const [method = 'GET', path = '/'] = line.split(' ')
      const { response } = await open(method, path, options)
      const chunks: Buffer[] = []
      for await (const chunk of response) chunks.push(chunk as Buffer)
      const text = Buffer.concat(chunks).toString('utf8')
      returned.push(JSON.stringify(response.headers))
      if (!path.includes('/log')) returned.push(text)
      let json: Loose
      try {
        json = JSON.parse(text)
      } catch {
        json = undefined
      }
      return { status: response.statusCode ?? 0, headers: response.headers, text, json }
    },
    async stream(path, options = {}) {
      const { request, response } = await open('GET', path, options)
      const stream: FaceStream = {
        status: response.statusCode ?? 0,
        headers: response.headers,
        lines: [],
        events: () => stream.lines.map((line) => JSON.parse(line)),
        ended: false,
        close: () => request.destroy(),
      }
      let rest = ''
      response.setEncoding('utf8')
      response.on('data', (text: string) => {
        const parts = (rest + text).split('\n')
        rest = parts.pop() ?? ''
        stream.lines.push(...parts.filter((part) => part !== ''))
        if (!path.includes('/log')) returned.push(...parts)
      })
      response.on('close', () => {
        stream.ended = true
      })
      response.on('error', () => {}) // a cut connection is what some tests are about
      request.on('error', () => {})
      t.teardown(() => request.destroy())
      return stream
    },
  }
}

export interface SandboxFace extends TestFace {
  sandbox: Sandbox
  client: KubeClient
  /** Token of the node that the tests use, and its identity. */
  token: string
  nodeId: string
}

/** A face whose data plane is a sandbox, with one virtual node. */
export async function startSandboxFace(
  t: Test,
  deps?: Partial<KubernetesFaceDeps>,
  tls?: FaceOptions['tls'],
): Promise<SandboxFace> {
  const dir = await mkdtemp(join(tmpdir(), 'isthmus-face-'))
  const sandbox = await startSandbox({
    role: 'data-plane',
    dir,
    port: 0,
    logger: silentLogger,
    authorization: 'none',
  })
  const client = createKubeClient({
    server: sandbox.server,
    ca: sandbox.ca,
    token: sandbox.tokenFor('isthmus-gateway', []),
  })
  const face = await startFace(t, { client, deps, tls })
  t.teardown(async () => {
    await client.close()
    await sandbox.close()
    await rm(dir, { recursive: true, force: true, maxRetries: 5 })
  })
  const { token, principal } = face.fakes.addNode()
  return { ...face, sandbox, client, token, nodeId: principal.nodeId }
}
