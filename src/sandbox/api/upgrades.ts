import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { IsthmusError, toIsthmusError, toStatus } from '../../protocol/errors/index.ts'
import { makeCall } from './call.ts'
import type { ApiContext } from './context.ts'
import { forbiddenError } from './errors.ts'
import { upgradePod } from './handlers/pod-streams.ts'
import { prepare } from './prepare.ts'
import type { Verb } from './request-info.ts'

const STREAMS = ['exec', 'attach', 'portforward']

/** Takes over the server's `upgrade` events: exec, attach and port-forward; anything else is refused. */
export function serveUpgrades(server: Server, context: ApiContext): void {
  const sockets = new Set<Duplex>()
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    sockets.add(socket)
    // A client that goes is seen by whoever reads the socket; without a listener it would end the process.
    socket.on('error', (error) => context.logger.debug({ err: error }, 'an upgraded socket failed'))
    socket.on('close', () => sockets.delete(socket))
    upgrade(context, request, socket, head).catch((error: unknown) => refuse(socket, error))
  })
  server.on('close', () => {
    for (const socket of sockets) socket.destroy()
  })
}

async function upgrade(
  context: ApiContext,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): Promise<void> {
  const { info, query, user } = prepare(context, request)
  if (!info.isResource || info.resource !== 'pods' || !STREAMS.includes(info.subresource)) {
    throw new IsthmusError('bad_request', 'this resource is not upgraded')
  }
  if (info.verb === 'get') {
    // Since 1.35 a stream opened by GET asks for `create` as well (KEP-4006's follow-up).
    const alsoCreate = { ...info, verb: 'create' as Verb }
    const decision = context.authorize(user, alsoCreate)
    if (!decision.allowed) throw forbiddenError(user, alsoCreate, decision.reason)
  }
  const call = makeCall(request, info, query, user, Buffer.alloc(0), new AbortController().signal)
  await upgradePod(context, call, { request, socket, head })
}

function refuse(socket: Duplex, error: unknown): void {
  const fault = toIsthmusError(error)
  const body = JSON.stringify(toStatus(fault))
  const head = [
    `HTTP/1.1 ${fault.status} ${fault.entry.reason}`,
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`)
}
