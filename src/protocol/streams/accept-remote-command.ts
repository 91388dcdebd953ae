import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { acceptSpdyCommand } from './accept-spdy.ts'
import { acceptWebSocketCommand } from './accept-websocket.ts'
import { type LegOptions, resolveLimits, resolveLiveness } from './limits.ts'
import { guardUpgradeSocket } from './refuse-upgrade.ts'
import { type CommandStreams, effectiveStreams, type RemoteCommandClient } from './remote-command.ts'
import { isSpdyUpgrade, isWebSocketUpgrade, refuseUnknownUpgrade } from './spdy-upgrade.ts'

export interface AcceptRemoteCommandOptions extends LegOptions {
  /** The triple of the HTTP server's `upgrade` event, whose request the caller has authenticated and authorised. */
  req: IncomingMessage
  socket: Duplex
  head: Buffer
  /** From the query, which the caller has parsed; at least one of stdin, stdout and stderr. */
  streams: CommandStreams
}

/**
 * Accepts one exec or attach from a client, by SPDY/3.1 or WebSocket as its headers ask.
 * @throws StreamError: `refused` when the upgrade was answered with an HTTP error (which is already sent), `setup`
 * when the client does not open its streams in time, `gone` when it left before. The socket is closed in all cases.
 */
export async function acceptRemoteCommand(options: AcceptRemoteCommandOptions): Promise<RemoteCommandClient> {
  const { req, socket, head } = options
  guardUpgradeSocket(socket)
  const accept = {
    req,
    socket,
    head,
    streams: effectiveStreams(options.streams),
    limits: resolveLimits(options.limits),
    liveness: resolveLiveness(options),
  }
  if (isSpdyUpgrade(req)) return acceptSpdyCommand(accept)
  if (isWebSocketUpgrade(req)) return acceptWebSocketCommand(accept)
  return refuseUnknownUpgrade(socket)
}
