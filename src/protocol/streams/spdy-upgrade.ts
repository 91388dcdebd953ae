import type { ClientRequest, IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { headerItems, negotiate, STREAM_PROTOCOL_HEADER } from './protocols.ts'
import { guardUpgradeSocket, refuseUpgrade } from './refuse-upgrade.ts'
import { StreamError, statusOfReason } from './stream-error.ts'

/** Whether the request asks for SPDY/3.1; Kubernetes' clients do so by POST, some by GET. */
export function isSpdyUpgrade(req: IncomingMessage): boolean {
  return headerItems(req.headers.upgrade).some((item) => item.toLowerCase() === 'spdy/3.1')
}

/** Whether the request asks for a WebSocket. */
export function isWebSocketUpgrade(req: IncomingMessage): boolean {
  return headerItems(req.headers.upgrade).some((item) => item.toLowerCase() === 'websocket')
}

/** Answers an upgrade that asks for neither SPDY nor WebSocket. @throws StreamError `refused`, always */
export function refuseUnknownUpgrade(socket: Duplex): never {
  const error = new StreamError('refused', 'upgrade to SPDY/3.1 or websocket required')
  refuseUpgrade(socket, 400, statusOfReason(error))
  throw error
}

export interface UpgradeSpdyOptions {
  req: IncomingMessage
  socket: Duplex
  head: Buffer
  /** Protocols that may be negotiated by `X-Stream-Protocol-Version`. */
  served: Iterable<string>
}

/**
 * Answers 101 to a SPDY upgrade; the socket is then the byte stream, with `head` put back into it.
 * @returns the negotiated protocol
 * @throws StreamError `refused` after having answered: 400 without the header, 403 for no protocol in common, as
 * k8s.io/apimachinery httpstream.Handshake does; `gone` when the client has left
 */
export function upgradeSpdy(options: UpgradeSpdyOptions): string {
  const { req, socket, head } = options
  const served = [...options.served]
  guardUpgradeSocket(socket)
  const offered = headerItems(req.headers[STREAM_PROTOCOL_HEADER.toLowerCase()])
  const protocol = negotiate(offered, served)
  if (protocol === undefined) {
    const missing = offered.length === 0
    const text = missing ? `${STREAM_PROTOCOL_HEADER} is required` : 'no stream protocol in common'
    const error = new StreamError('refused', `unable to upgrade: ${text}`)
    const [code, reason] = missing ? [400, 'BadRequest'] : [403, 'Forbidden']
    const headers = { 'X-Accepted-Stream-Protocol-Versions': served.join(', ') }
    refuseUpgrade(socket, code as number, { ...statusOfReason(error), reason, code }, headers)
    throw error
  }
  if (socket.destroyed || !socket.writable || !socket.readable) {
    socket.destroy()
    throw new StreamError('gone', 'the client left during the handshake')
  }
  prepareSocket(socket)
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n${STREAM_PROTOCOL_HEADER}: ${protocol}\r\n\r\n`,
  )
  if (head.length > 0) socket.unshift(head)
  return protocol
}

/** What an interactive connection wants of TCP; no effect on other streams. */
function prepareSocket(socket: Duplex): void {
  const tcp = socket as Partial<Socket>
  tcp.setTimeout?.(0)
  tcp.setNoDelay?.(true)
  tcp.setKeepAlive?.(true, 30_000)
}

/** What a server answered to an upgrade that we asked for. */
export interface UpgradedSocket {
  socket: Duplex
  /** From `X-Stream-Protocol-Version`, or `''`. */
  protocol: string
}

/** The headers of a client that asks for SPDY. */
export function spdyUpgradeHeaders(protocols: string[]): Record<string, string> {
  return { Connection: 'Upgrade', Upgrade: 'SPDY/3.1', [STREAM_PROTOCOL_HEADER]: protocols.join(', ') }
}

/** The answer to an upgrade that did not become one. */
export class UpgradeRefusedError extends StreamError {
  readonly statusCode: number
  /** At most 64 KiB of what the server said. */
  readonly body: string

  constructor(statusCode: number, body: string) {
    super('refused', `the upgrade was answered with ${statusCode}`)
    this.name = 'UpgradeRefusedError'
    this.statusCode = statusCode
    this.body = body
  }
}

const MAX_REFUSAL_BYTES = 64 << 10

/**
 * Ends a request made with `spdyUpgradeHeaders` (by http or https `request`, TLS and certificates included) and
 * waits for the 101.
 * @throws UpgradeRefusedError with what the server answered instead; the request's own error when it failed
 */
export function awaitSpdyUpgrade(request: ClientRequest): Promise<UpgradedSocket> {
  return new Promise((resolve, reject) => {
    request.on('error', reject)
    request.on('upgrade', (response, socket, head) => {
      guardUpgradeSocket(socket)
      prepareSocket(socket)
      if (head.length > 0) socket.unshift(head)
      const protocol = headerItems(response.headers[STREAM_PROTOCOL_HEADER.toLowerCase()])[0] ?? ''
      resolve({ socket, protocol })
    })
    request.on('response', (response) => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', (text: string) => {
        if (body.length < MAX_REFUSAL_BYTES) body += text
      })
      response.on('close', () =>
        reject(new UpgradeRefusedError(response.statusCode ?? 0, body.slice(0, MAX_REFUSAL_BYTES))),
      )
      response.on('error', reject)
    })
    request.end()
  })
}
