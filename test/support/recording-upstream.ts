import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { createKubeClient } from '../../src/kube/client/index.ts'
import type { KubeClient } from '../../src/kube/client/types.ts'
import type { Test } from './tap.ts'

/** One request as it arrived. */
export interface RecordedRequest {
  method: string
  /** Path and query, as they were on the wire. */
  url: string
  rawHeaders: string[]
  headers: IncomingMessage['headers']
  body: string
}

/** What the stub answers: JSON with a status, or whatever a function writes. */
export type StubAnswer =
  | { status?: number; json: unknown; headers?: Record<string, string> }
  | ((response: ServerResponse, request: RecordedRequest) => void)

/** A server that stands for a data plane, records every request byte for byte and answers what it is told. */
export interface RecordingUpstream {
  client: KubeClient
  requests: RecordedRequest[]
  /** Upgrades that were asked for; each is answered by `onUpgrade`. */
  upgrades: RecordedRequest[]
  /** Bytes that came on each connection, requests and what followed them. */
  bytes(): string
  /** The answer by `METHOD /path` (a prefix of the URL, the longest that fits). */
  on(line: string, answer: StubAnswer): void
  onUpgrade: (request: RecordedRequest, socket: Socket) => void
}

export async function startRecordingUpstream(t: Test): Promise<RecordingUpstream> {
  const answers = new Map<string, StubAnswer>()
  const sockets = new Set<Socket>()
  const received: Buffer[] = []
  const notFound: StubAnswer = {
    status: 404,
    json: {
      kind: 'Status',
      apiVersion: 'v1',
      status: 'Failure',
      reason: 'NotFound',
      code: 404,
      message: 'upstream says no',
    },
  }
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const recorded = record(request, Buffer.concat(chunks).toString('utf8'))
    upstream.requests.push(recorded)
    const line = `${recorded.method} ${recorded.url}`
    const key = [...answers.keys()]
      .filter((one) => line.startsWith(one))
      .sort((a, b) => b.length - a.length)[0]
    const answer = (key === undefined ? undefined : answers.get(key)) ?? notFound
    if (typeof answer === 'function') {
      answer(response, recorded)
      return
    }
    response.writeHead(answer.status ?? 200, { 'content-type': 'application/json', ...answer.headers })
    response.end(JSON.stringify(answer.json))
  })
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('data', (chunk: Buffer) => received.push(chunk))
    socket.on('error', () => {}) // broken connections are what some tests are about
    socket.on('close', () => sockets.delete(socket))
  })
  server.on('upgrade', (request, socket) => {
    const recorded = record(request, '')
    upstream.upgrades.push(recorded)
    upstream.onUpgrade(recorded, socket as Socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const client = createKubeClient(
    { server: `http://127.0.0.1:${port}`, token: 'data-plane-credential' },
    { allowInsecureHttp: true, userAgent: 'isthmus-gateway' },
  )
  t.teardown(async () => {
    await client.close()
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const upstream: RecordingUpstream = {
    client,
    requests: [],
    upgrades: [],
    bytes: () => Buffer.concat(received).toString('latin1'),
    on: (line, answer) => void answers.set(line, answer),
    onUpgrade: (_request, socket) => void socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n'),
  }
  return upstream
}

function record(request: IncomingMessage, body: string): RecordedRequest {
  const { method = '', url = '', rawHeaders, headers } = request
  return { method, url, rawHeaders, headers, body }
}
