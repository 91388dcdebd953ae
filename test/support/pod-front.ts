import type { IncomingMessage, ServerResponse } from 'node:http'
import { request as requestHttps } from 'node:https'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { WebSocket } from 'ws'
import { toIsthmusError, toStatus } from '../../src/protocol/errors/index.ts'
import {
  awaitSpdyUpgrade,
  type CommandStreams,
  dialRemoteCommand,
  dialSpdyRemoteCommand,
  type RemoteCommandServer,
  refuseUpgrade,
  spdyCommandProtocols,
  spdyUpgradeHeaders,
  whenOpen,
} from '../../src/protocol/streams/index.ts'
import type { PodBackend, PodRequest, PodUpgradeRequest } from '../../src/sandbox/ports.ts'
import type { CertificatePair, TestCa } from './certificates.ts'
import { startHttpsServer, type TestServer } from './https-server.ts'

/** A server whose paths are `/<verb>/<pod>/<container>` and whose streams are a PodBackend's: an API server in small. */
export async function startPodFront(
  pair: CertificatePair,
  backend: PodBackend,
  find: (pod: string) => PodRequest,
): Promise<TestServer> {
  const front = await startHttpsServer(pair, (_request, response) => response.writeHead(404).end())
  front.server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const { pathname, searchParams } = new URL(request.url ?? '', front.url)
    const [, verb, pod = '', container = ''] = pathname.split('/')
    const flag = (name: string) => searchParams.get(name) === 'true'
    const upgrade: PodUpgradeRequest = {
      ...find(pod),
      verb: verb as 'exec',
      container,
      command: searchParams.getAll('command'),
      stdin: flag('stdin'),
      stdout: flag('stdout'),
      stderr: flag('stderr'),
      tty: flag('tty'),
      ports: [],
      request,
      socket,
      head,
    }
    backend.upgrade(upgrade).catch((error: unknown) => {
      const known = toIsthmusError(error)
      refuseUpgrade(socket, known.status, toStatus(known))
    })
  })
  return front
}

export interface TestKubelet extends TestServer {
  /** CN and protocol of each stream or log that was asked for, such as `kube-apiserver-kubelet-client POST SPDY/3.1 /exec/…`. */
  seen: string[]
}

/** The kubelet port of a node, in front of a PodBackend; only certificates of `ca` are let in. */
export async function startTestKubelet(
  ca: TestCa,
  backend: PodBackend,
  podOf: (name: string) => PodRequest['pod'],
): Promise<TestKubelet> {
  const seen: string[] = []
  const target = (request: IncomingMessage) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'https://kubelet')
    const user = (request.socket as TLSSocket).getPeerCertificate().subject?.CN
    seen.push(`${user} ${request.method} ${request.headers.upgrade ?? 'HTTP'} ${request.url}`)
    const [, verb, , name, container = ''] = pathname.split('/')
    return { verb, query: searchParams, container, pod: podOf(name ?? '') }
  }
  const onRequest = async (request: IncomingMessage, response: ServerResponse) => {
    const { query, container, pod } = target(request)
    const number = (name: string) => (query.has(name) ? Number(query.get(name)) : undefined)
    try {
      const body = await backend.logs({
        pod,
        container,
        follow: query.get('follow') === 'true',
        previous: query.get('previous') === 'true',
        timestamps: query.get('timestamps') === 'true',
        tailLines: number('tailLines'),
        limitBytes: number('limitBytes'),
        insecureSkipTLSVerifyBackend: false,
        signal: AbortSignal.timeout(20_000),
      })
      response.writeHead(200, { 'content-type': 'text/plain' })
      body.pipe(response)
    } catch (error) {
      const known = toIsthmusError(error)
      response.writeHead(known.status, { 'content-type': 'text/plain' }).end(known.message)
    }
  }
  const pair = await ca.issue({ commonName: 'node' })
  const tls = { ca: ca.ca, requestCert: true, rejectUnauthorized: true }
  const server = await startHttpsServer(pair, onRequest, tls)
  server.server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const { verb, query, container, pod } = target(request)
    const flag = (name: string) => query.get(name) === '1'
    const upgrade: PodUpgradeRequest = {
      pod,
      verb: verb === 'portForward' ? 'portforward' : (verb as 'exec'),
      container,
      command: query.getAll('command'),
      stdin: flag('input'),
      stdout: flag('output'),
      stderr: flag('error'),
      tty: flag('tty'),
      ports: [],
      request,
      socket,
      head,
    }
    backend.upgrade(upgrade).catch((error: Error) => refuseUpgrade(socket, 404, error.message))
  })
  return Object.assign(server, { seen })
}

function query(command: readonly string[], streams: CommandStreams): string {
  const search = new URLSearchParams(command.map((word): [string, string] => ['command', word]))
  for (const [name, value] of Object.entries(streams)) if (value) search.set(name, 'true')
  return search.toString()
}

/** How a client comes: as old kubectl (SPDY), as kubectl of today (v5) or as other clients (v4). */
export type Transport = 'spdy' | 'v5.channel.k8s.io' | 'v4.channel.k8s.io'

/** Opens an exec or attach as a client does. */
export async function dialCommand(
  front: TestServer,
  ca: string,
  transport: Transport,
  path: string,
  command: readonly string[],
  streams: CommandStreams,
): Promise<RemoteCommandServer> {
  const url = `${front.url}${path}?${query(command, streams)}`
  if (transport === 'spdy') {
    const headers = spdyUpgradeHeaders([...spdyCommandProtocols.keys()])
    const upgraded = await awaitSpdyUpgrade(requestHttps(url, { method: 'POST', headers, ca }))
    return dialSpdyRemoteCommand({ ...upgraded, streams })
  }
  const dial = () =>
    whenOpen(new WebSocket(url.replace('https', 'wss'), [transport], { ca, perMessageDeflate: false }))
  return dialRemoteCommand({ dial, streams })
}
