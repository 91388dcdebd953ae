import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import type { StreamLimits } from './limits.ts'
import { guardUpgradeSocket, refuseUpgrade } from './refuse-upgrade.ts'
import { StreamError, statusOfReason } from './stream-error.ts'

export interface UpgradeWebSocketOptions {
  /** The triple of the HTTP server's `upgrade` event. */
  req: IncomingMessage
  socket: Duplex
  head: Buffer
  /** The subprotocol to answer, already negotiated; `''` answers none. May hold characters that ws refuses. */
  protocol: string
  limits: StreamLimits
}

/**
 * Completes a WebSocket handshake on a raw upgrade. The socket that comes back is **paused**, so that nothing is
 * lost until its listeners are there: resume it, or give it to a leg, which does.
 * A client that drops its TCP connection without a close frame is seen at once.
 * @throws StreamError `refused` after having answered 4xx, `gone` when the client left during the handshake.
 */
export function upgradeWebSocket(options: UpgradeWebSocketOptions): Promise<WebSocket> {
  const { req, socket, head, protocol, limits } = options
  guardUpgradeSocket(socket)
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: limits.maxPayloadBytes,
    maxFragments: limits.maxFragments,
  })
  // ws takes only RFC 7230 tokens, and `SPDY/3.1+portforward.k8s.io` has a slash: it never sees the offered list.
  delete req.headers['sec-websocket-protocol']
  server.on('headers', (headers) => {
    if (protocol !== '') headers.push(`Sec-WebSocket-Protocol: ${protocol}`)
  })
  return new Promise((resolve, reject) => {
    server.on('wsClientError', (cause) => {
      const error = new StreamError('refused', cause.message, { cause })
      refuseUpgrade(socket, 400, statusOfReason(error), { 'Sec-WebSocket-Version': '13' })
      reject(error)
    })
    socket.once('close', () => reject(new StreamError('gone', 'the client left during the handshake')))
    server.handleUpgrade(req, socket, head, (ws) => {
      ws.pause()
      ws.on('error', () => {}) // whoever uses it listens too; between here and there an error must not be uncaught
      socket.once('end', () => setImmediate(() => ws.terminate()))
      resolve(ws)
    })
  })
}

/**
 * A client's WebSocket once it is open, **paused** for the same reason. Use it for the socket that `dial` of
 * `dialRemoteCommand` returns: its first messages may come together with the handshake.
 * @throws StreamError `refused` with ws' error as cause when it does not open.
 */
export function whenOpen(ws: WebSocket): Promise<WebSocket> {
  return new Promise((resolve, reject) => {
    ws.on('error', (cause) => reject(new StreamError('refused', 'the WebSocket did not open', { cause })))
    ws.once('close', () => reject(new StreamError('gone', 'the WebSocket was closed before it opened')))
    const opened = () => {
      ws.pause()
      resolve(ws)
    }
    if (ws.readyState === ws.OPEN) opened()
    else ws.once('open', opened)
  })
}
