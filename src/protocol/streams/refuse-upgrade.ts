import { STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'

/** How long an answered socket may take to be read by its peer before it is destroyed. */
const LINGER_MS = 2_000

const guarded = new WeakSet<Duplex>()

/**
 * Keeps an error of an upgraded socket from becoming an uncaught exception: from the `upgrade` event on nobody
 * else listens. Call it first in every `upgrade` listener, before anything is awaited. Idempotent.
 */
export function guardUpgradeSocket(socket: Duplex): void {
  if (guarded.has(socket)) return
  guarded.add(socket)
  socket.on('error', () => socket.destroy())
}

/**
 * Answers a raw `upgrade` socket with an ordinary HTTP response and closes it. `body` as an object (a metav1.Status,
 * a problem) is sent as JSON, as a string as plain text. `headers` are added, and may replace the content type.
 */
export function refuseUpgrade(
  socket: Duplex,
  statusCode: number,
  body: object | string,
  headers: Record<string, string> = {},
): void {
  guardUpgradeSocket(socket)
  if (socket.destroyed || !socket.writable) {
    socket.destroy()
    return
  }
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const all: Record<string, string> = {
    'Content-Type': typeof body === 'string' ? 'text/plain; charset=utf-8' : 'application/json',
    ...headers,
    'Content-Length': String(Buffer.byteLength(text)),
    Connection: 'close',
  }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value.replace(/[\r\n]/g, ' ')}\r\n`)
  socket.end(`HTTP/1.1 ${statusCode} ${STATUS_CODES[statusCode] ?? 'Error'}\r\n${lines.join('')}\r\n${text}`)
  // What the client has already sent is read and dropped: closing over unread bytes would reset the connection
  // and lose the answer.
  socket.resume()
  setTimeout(() => socket.destroy(), LINGER_MS).unref()
}
