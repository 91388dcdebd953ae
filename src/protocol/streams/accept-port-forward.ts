import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { type LegOptions, resolveLimits, resolveLiveness } from './limits.ts'
import { headerItems, PORT_FORWARD_PROTOCOL, PORT_FORWARD_TUNNEL_PROTOCOL } from './protocols.ts'
import { guardUpgradeSocket, refuseUpgrade } from './refuse-upgrade.ts'
import { isSpdyUpgrade, isWebSocketUpgrade, refuseUnknownUpgrade, upgradeSpdy } from './spdy-upgrade.ts'
import { StreamError, statusOfReason } from './stream-error.ts'
import { webSocketDuplex } from './ws-duplex.ts'
import { upgradeWebSocket } from './ws-upgrade.ts'

export interface AcceptPortForwardOptions extends LegOptions {
  /** The triple of the HTTP server's `upgrade` event, whose request the caller has authenticated and authorised. */
  req: IncomingMessage
  socket: Duplex
  head: Buffer
}

export interface AcceptedPortForward {
  protocol: string
  /** SPDY/3.1 bytes: to be piped on as they are, or given to `createSpdyConnection` where the ports are. */
  tunnel: Duplex
}

/**
 * Accepts a port-forward, by SPDY/3.1 (the socket itself) or by the WebSocket tunnel, as the same byte stream
 * (kubernetes-face.md 22).
 * @throws StreamError `refused` after having answered with an HTTP error, `gone` when the client left
 */
export async function acceptPortForward(options: AcceptPortForwardOptions): Promise<AcceptedPortForward> {
  const { req, socket, head } = options
  guardUpgradeSocket(socket)
  if (isSpdyUpgrade(req)) {
    const protocol = upgradeSpdy({ req, socket, head, served: [PORT_FORWARD_PROTOCOL] })
    // No pings of ours inside an opaque tunnel: TCP's keep-alive finds a dead peer, this an idle one.
    const { idleTimeoutMs } = resolveLiveness(options)
    ;(socket as Partial<Socket>).setTimeout?.(idleTimeoutMs, () => socket.destroy())
    return { protocol, tunnel: socket }
  }
  if (!isWebSocketUpgrade(req)) return refuseUnknownUpgrade(socket)
  const protocol = PORT_FORWARD_TUNNEL_PROTOCOL
  if (!headerItems(req.headers['sec-websocket-protocol']).includes(protocol)) {
    const error = new StreamError('refused', `port-forward over WebSocket needs the protocol ${protocol}`)
    refuseUpgrade(socket, 403, { ...statusOfReason(error), reason: 'Forbidden', code: 403 })
    throw error
  }
  const ws = await upgradeWebSocket({ req, socket, head, protocol, limits: resolveLimits(options.limits) })
  return { protocol, tunnel: webSocketDuplex(ws, options) }
}
