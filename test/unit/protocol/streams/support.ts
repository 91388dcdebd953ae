import { createServer, type IncomingMessage, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex, Readable } from 'node:stream'
import { WebSocket } from 'ws'
import {
  acceptRemoteCommand,
  awaitSpdyUpgrade,
  type CommandStreams,
  dialRemoteCommand,
  dialSpdyRemoteCommand,
  type LegOptions,
  type RemoteCommandClient,
  type RemoteCommandServer,
  spdyUpgradeHeaders,
  whenOpen,
} from '../../../../src/protocol/streams/index.ts'
import type { Test } from '../../../support/tap.ts'

export const all: CommandStreams = { stdin: true, stdout: true, stderr: true, tty: false }

export interface Loopback {
  port: number
  server: Server
}

/** An HTTP server on a free loopback port that hands every upgrade to `onUpgrade`; closed with the test. */
export async function loopback(
  t: Test,
  onUpgrade: (req: IncomingMessage, socket: Duplex, head: Buffer) => void,
): Promise<Loopback> {
  const server = createServer()
  const sockets = new Set<Duplex>()
  server.on('upgrade', (req, socket, head) => {
    sockets.add(socket)
    onUpgrade(req, socket, head)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, server }
}

/** A server whose every upgrade is accepted as a command leg and given to `run`. Refusals go to `refused`. */
export function commandServer(
  t: Test,
  run: (client: RemoteCommandClient, req: IncomingMessage) => void,
  options: LegOptions & { streams?: CommandStreams; refused?: (error: unknown) => void } = {},
): Promise<Loopback> {
  const { streams = all, refused = () => {}, ...leg } = options
  return loopback(t, (req, socket, head) => {
    acceptRemoteCommand({ req, socket, head, streams, ...leg }).then((client) => run(client, req), refused)
  })
}

/** Opens a WebSocket to the server; not paused. */
export function openWs(port: number, protocols: string[]): WebSocket {
  return new WebSocket(`ws://127.0.0.1:${port}/`, protocols, { perMessageDeflate: false })
}

/** Dials a command by whichever protocol: `SPDY/3.1 <name>` or a WebSocket protocol. */
export async function dialCommand(
  port: number,
  protocol: string,
  streams: CommandStreams = all,
  leg: LegOptions = {},
): Promise<RemoteCommandServer> {
  const spdy = protocol.match(/^SPDY\/3\.1 (.*)$/)?.[1]
  if (spdy === undefined) {
    return dialRemoteCommand({ dial: () => whenOpen(openWs(port, [protocol])), streams, ...leg })
  }
  const upgraded = await awaitSpdyUpgrade(spdyRequest(port, [spdy]))
  return dialSpdyRemoteCommand({ ...upgraded, streams, ...leg })
}

export function spdyRequest(port: number, protocols: string[]) {
  return request({ port, host: '127.0.0.1', method: 'POST', headers: spdyUpgradeHeaders(protocols) })
}

/** Everything until the end. */
export async function collect(stream: Readable | null): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of stream ?? []) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}
