import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { WebSocket } from 'ws'
import {
  createSpdyConnection,
  openPortForward,
  PORT_FORWARD_TUNNEL_PROTOCOL,
  webSocketDuplex,
} from '../../../src/protocol/streams/index.ts'
import type { HttpTarget } from './http.ts'

/** What came of an exec. */
export interface ExecResult {
  stdout: string
  stderr: string
  /** Exit code; undefined when the status tells another failure. */
  code: number | undefined
  /** The metav1.Status of the error channel. */
  status: {
    status?: string
    reason?: string
    message?: string
    details?: { causes?: { reason?: string; message?: string }[] }
  }
}

export interface ExecRequest {
  namespace: string
  pod: string
  command: string[]
  container?: string
  /** Sent and closed. */
  stdin?: string
}

/** `kubectl exec` over `v5.channel.k8s.io`, by a reading of the protocol of its own. */
export async function exec(target: HttpTarget, request: ExecRequest): Promise<ExecResult> {
  const { namespace, pod, command, container, stdin } = request
  const query = new URLSearchParams(command.map((word): [string, string] => ['command', word]))
  for (const stream of ['stdout', 'stderr']) query.set(stream, 'true')
  if (stdin !== undefined) query.set('stdin', 'true')
  if (container !== undefined) query.set('container', container)
  const socket = open(target, `/api/v1/namespaces/${namespace}/pods/${pod}/exec?${query}`, [
    'v5.channel.k8s.io',
  ])
  const channels: Record<number, Buffer[]> = { 1: [], 2: [], 3: [] }
  socket.on('message', (data: Buffer) => channels[data[0] ?? 0]?.push(data.subarray(1)))
  const failed = new Promise<never>((_resolve, reject) => {
    socket.once('error', reject)
    socket.once('unexpected-response', async (_request, reply) => {
      reject(new Error(`exec answered ${reply.statusCode}: ${await text(reply)}`))
    })
  })
  await Promise.race([once(socket, 'open'), failed])
  if (stdin !== undefined) {
    socket.send(Buffer.concat([Buffer.from([0]), Buffer.from(stdin)]))
    socket.send(Buffer.from([255, 0]))
  }
  await Promise.race([once(socket, 'close'), failed])
  const said = (channel: number) => Buffer.concat(channels[channel] ?? []).toString()
  const status = JSON.parse(said(3) || '{}') as ExecResult['status']
  const cause = status.details?.causes?.find(({ reason }) => reason === 'ExitCode')
  const code = status.status === 'Success' ? 0 : cause === undefined ? undefined : Number(cause.message)
  return { stdout: said(1), stderr: said(2), code, status }
}

/** One HTTP GET through a port-forward of a pod; gives the answer with its head. */
export async function getThroughPort(
  target: HttpTarget,
  namespace: string,
  pod: string,
  port: number,
): Promise<string> {
  const socket = open(target, `/api/v1/namespaces/${namespace}/pods/${pod}/portforward?ports=${port}`, [
    PORT_FORWARD_TUNNEL_PROTOCOL,
  ])
  await once(socket, 'open')
  const connection = createSpdyConnection({ stream: webSocketDuplex(socket), role: 'client' })
  const stream = await openPortForward(connection, port)
  stream.end('GET / HTTP/1.0\r\n\r\n')
  const answer = await text(stream)
  connection.close()
  return answer
}

function open(target: HttpTarget, path: string, protocols: string[]): WebSocket {
  const { server, ca, token, cert, key } = target
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` }
  // ws refuses a subprotocol with a slash as an argument, and in the answer: see protocol/streams.
  const tunnel = protocols.some((protocol) => protocol.includes('/'))
  if (tunnel) headers['sec-websocket-protocol'] = protocols.join(', ')
  const url = `${server.replace(/^http/, 'ws')}${path}`
  const socket = new WebSocket(url, tunnel ? [] : protocols, {
    ca,
    cert,
    key,
    headers,
    perMessageDeflate: false,
  })
  socket.on('upgrade', (reply) => {
    if (tunnel) delete reply.headers['sec-websocket-protocol']
  })
  return socket
}
