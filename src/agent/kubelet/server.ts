import type { createServer, IncomingMessage, Server, ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import type { V1Pod } from '@kubernetes/client-node'
import { isKubeApiError } from '../../kube/index.ts'
import type { Logger } from '../../lib/logger.ts'
import { IsthmusError, isIsthmusError, toIsthmusError, toStatus } from '../../protocol/errors/index.ts'
import { guardUpgradeSocket, refuseUpgrade, StreamError } from '../../protocol/streams/index.ts'
import type { GatewayClient } from '../gateway/client.ts'
import type { Authenticate } from './authenticate.ts'
import type { Authorize } from './authorize.ts'
import { serveContainerLogs } from './container-logs.ts'
import { parseLogOptions } from './log-options.ts'
import { serveRun } from './run.ts'
import { parseCommandStreams, serveCommand, servePortForward, type Upgrade } from './streams.ts'
import { containerTarget, type PodLookup, podTarget } from './target.ts'

export interface KubeletServerOptions {
  gateway: GatewayClient
  authenticate: Authenticate
  authorize: Authorize
  pods: PodLookup & { all(): Iterable<V1Pod> }
  /** PEM; the server asks for client certificates and verifies them against `clientCa`. */
  tls: { cert: string; key: string; clientCa: string | undefined }
  /** What `/configz` shows. */
  config: Record<string, unknown>
  logger: Logger
}

export interface KubeletServer {
  /** Binds. Returns the port. */
  listen(host: string, port: number): Promise<number>
  /** Takes another serving certificate from here on. */
  setCertificate(cert: string, key: string): void
  /** Ends every stream and the listener. */
  close(): Promise<void>
}

/**
 * Any failure as the status and text to answer with. A refused upgrade gets the Status, which clients read;
 * any other request the bare text as from a kubelet, since the API server makes a Status around it.
 */
function answerOf(error: unknown): { code: number; body: { message?: string } } {
  if (isKubeApiError(error)) return { code: error.code, body: error.status }
  const known = toIsthmusError(error)
  return { code: known.status, body: toStatus(known) }
}

const unavailableYet = new Set(['stats', 'metrics', 'checkpoint'])
const upgraded = new Set(['exec', 'attach', 'portForward'])

/** The kubelet's API over TLS: authenticated, authorised, then served; anonymous calls are refused. */
export function createKubeletServer(options: KubeletServerOptions): KubeletServer {
  const { gateway, authenticate, authorize, pods, logger } = options
  const sockets = new Set<Duplex>()

  /** Whoever may not ask is refused. Returns what was asked for. */
  async function admit(req: IncomingMessage): Promise<URL> {
    const url = urlOf(req)
    const caller = await authenticate(req).catch((cause) => {
      if (isIsthmusError(cause, 'too_many_requests')) throw cause
      throw new IsthmusError('unavailable', 'the token could not be reviewed', { cause })
    })
    if (!caller) throw new IsthmusError('unauthenticated', 'Unauthorized')
    const allowed = await authorize(caller, req.method ?? 'GET', url.pathname).catch((cause) => {
      throw new IsthmusError('unavailable', 'access could not be reviewed', { cause })
    })
    if (!allowed) {
      throw new IsthmusError(
        'forbidden',
        `Forbidden (user=${caller.user}, verb=${req.method}, path=${url.pathname})`,
      )
    }
    return url
  }

  const sendJson = (res: ServerResponse, body: unknown) => {
    const text = JSON.stringify(body)
    res.writeHead(200, { 'content-type': 'application/json' }).end(text)
  }

  async function serve(req: IncomingMessage, res: ServerResponse, url: URL): Promise<void> {
    const [first = '', ...rest] = segmentsOf(url)
    if (unavailableYet.has(first)) {
      const what = first === 'checkpoint' ? 'checkpoints' : 'metrics'
      throw new IsthmusError(
        'not_implemented',
        `a virtual node serves no ${what} yet: /${first} is not there`,
      )
    }
    if (upgraded.has(first)) throw new IsthmusError('bad_request', 'Upgrade request required')
    if (first === 'run' && req.method === 'POST') {
      const command = (url.searchParams.get('cmd') ?? '').split(' ').filter((word) => word !== '')
      await serveRun(gateway, containerTarget(pods, rest), command, res)
      return
    }
    if (req.method !== 'GET' && req.method !== 'HEAD')
      throw new IsthmusError('method_not_allowed', 'Method not allowed')
    if (first === 'healthz') res.writeHead(200, { 'content-type': 'text/plain' }).end('ok')
    else if (first === 'pods' || first === 'runningpods') sendJson(res, podList(first, pods.all()))
    else if (first === 'configz') sendJson(res, { kubeletconfig: options.config })
    else if (first === 'containerLogs') {
      const target = containerTarget(pods, rest)
      await serveContainerLogs(gateway, target, parseLogOptions(url.searchParams), res)
    } else if (first === 'logs') throw new IsthmusError('forbidden', 'a virtual node has no log files')
    else throw new IsthmusError('not_found', 'page not found')
  }

  async function stream(upgrade: Upgrade, url: URL): Promise<void> {
    const [first, ...rest] = segmentsOf(url)
    if (first === 'exec' || first === 'attach') {
      const target = containerTarget(pods, rest)
      const command = url.searchParams.getAll('command')
      if (first === 'exec' && command.length === 0) throw new IsthmusError('bad_request', 'no command')
      const streams = parseCommandStreams(url.searchParams)
      await serveCommand(gateway, upgrade, { verb: first, target, command, streams })
    } else if (first === 'portForward') await servePortForward(gateway, upgrade, podTarget(pods, rest))
    else throw new IsthmusError('not_found', 'page not found')
  }

  function onRequest(req: IncomingMessage, res: ServerResponse): void {
    admit(req)
      .then((url) => serve(req, res, url))
      .catch((error) => {
        const { code, body } = answerOf(error)
        if (code >= 500)
          logger.warn({ err: error, path: pathOf(req) }, 'a request of the kubelet port failed')
        if (res.headersSent) res.destroy()
        else res.writeHead(code, { 'content-type': 'text/plain' }).end(body.message)
      })
  }

  function onUpgrade(req: IncomingMessage, socket: Duplex, head: Buffer): void {
    guardUpgradeSocket(socket)
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    admit(req)
      .then((url) => stream({ req, socket, head }, url))
      .catch((error) => {
        // Answered already, or nobody is left to be answered.
        if (error instanceof StreamError) return
        const { code, body } = answerOf(error)
        if (code >= 500) logger.warn({ err: error, path: pathOf(req) }, 'a stream of the kubelet port failed')
        refuseUpgrade(socket, code, body)
      })
  }

  const { cert, key, clientCa } = options.tls
  const server = createTlsServer({
    cert,
    key,
    ca: clientCa,
    requestCert: clientCa !== undefined,
    rejectUnauthorized: false, // whoever has none may have a token; `authorized` tells
    minVersion: 'TLSv1.2',
  })
  attach(server, onRequest, onUpgrade)

  return {
    listen: (host, port) =>
      new Promise((resolve, reject) => {
        server.once('error', reject)
        server.listen(port, host, () => resolve((server.address() as AddressInfo).port))
      }),
    setCertificate: (nextCert, nextKey) =>
      server.setSecureContext({ cert: nextCert, key: nextKey, ca: clientCa, minVersion: 'TLSv1.2' }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
        for (const socket of sockets) socket.destroy()
      }),
  }
}

function attach(
  server: Server | ReturnType<typeof createServer>,
  onRequest: (req: IncomingMessage, res: ServerResponse) => void,
  onUpgrade: (req: IncomingMessage, socket: Duplex, head: Buffer) => void,
): void {
  server.on('request', onRequest)
  server.on('upgrade', onUpgrade)
  // Go's transports keep idle connections 90 s: one that we close first meets their next request (rule 3).
  server.keepAliveTimeout = 95_000
  server.requestTimeout = 0
}

/**
 * The request's target, in origin form only. `//` is a target that no URL can be made of: anybody may send it,
 * so that it must be an answer and not an exception of the listener.
 * @throws IsthmusError bad_request
 */
function urlOf(req: IncomingMessage): URL {
  const text = `https://kubelet${req.url}`
  if (!req.url?.startsWith('/') || !URL.canParse(text)) {
    throw new IsthmusError('bad_request', 'the target of the request is malformed')
  }
  return new URL(text)
}

/** For the log: a query may hold a command. */
function pathOf(req: IncomingMessage): string | undefined {
  return req.url?.split('?', 1)[0]
}

function segmentsOf(url: URL): string[] {
  return url.pathname
    .split('/')
    .slice(1)
    .filter((segment, index, all) => segment !== '' || index < all.length - 1)
    .map((segment) => {
      try {
        return decodeURIComponent(segment)
      } catch (cause) {
        throw new IsthmusError('bad_request', 'the path is malformed', { cause })
      }
    })
}

function podList(route: string, pods: Iterable<V1Pod>): object {
  const items = [...pods].filter((pod) => route === 'pods' || pod.status?.phase === 'Running')
  return { kind: 'PodList', apiVersion: 'v1', metadata: {}, items }
}
