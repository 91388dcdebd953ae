import { Duplex } from 'node:stream'
import type { RawData, WebSocket } from 'ws'
import { MESSAGE_BYTES } from './channel-codec.ts'
import { type LegOptions, resolveLimits, resolveLiveness } from './limits.ts'
import { watchLiveness } from './liveness.ts'
import { closeCodeOf, StreamError } from './stream-error.ts'
import { createWsSender } from './ws-sender.ts'

/**
 * A WebSocket as a byte stream over binary messages, with back-pressure both ways: the socket is paused while
 * `windowBytes` wait to be read, and a write waits for the kernel once as many wait to be sent.
 * WebSocket has no half-close: `end()` flushes and says goodbye (1000); what the peer still sends until it answers
 * can be read. `destroy(error)` closes with the error's code. A text message ends it with 1003. An error without a
 * listener is no uncaught exception. Takes an open socket, paused or not (`whenOpen`, `upgradeWebSocket`).
 */
export function webSocketDuplex(ws: WebSocket, options: LegOptions = {}): Duplex {
  const limits = resolveLimits(options.limits)
  const sender = createWsSender(ws, limits.windowBytes)
  let paused = false
  const sendAll = async (chunk: Buffer) => {
    for (let offset = 0; offset < chunk.length; offset += MESSAGE_BYTES) {
      watch.moved()
      const wait = sender.send(chunk.subarray(offset, offset + MESSAGE_BYTES), true)
      if (wait) await wait
    }
  }
  const duplex = new Duplex({
    readableHighWaterMark: limits.windowBytes,
    writableHighWaterMark: Math.min(limits.windowBytes, 64 << 10),
    read() {
      if (!paused) return
      paused = false
      ws.resume()
    },
    write(chunk: Buffer, _encoding, callback) {
      sendAll(chunk).then(() => callback(), callback)
    },
    final(callback) {
      sender.flushed().then(() => {
        ws.close(1000)
        setTimeout(() => ws.terminate(), limits.closeTimeoutMs).unref()
        callback()
      }, callback)
    },
    destroy(error, callback) {
      watch.stop()
      if (ws.readyState === ws.OPEN) ws.close(error ? closeCodeOf(error) : 1000)
      if (ws.readyState !== ws.CLOSED) {
        ws.resume()
        setTimeout(() => ws.terminate(), Math.min(limits.closeTimeoutMs, 1_000)).unref()
      }
      callback(error)
    },
  })
  duplex.on('error', () => {})
  const watch = watchLiveness(resolveLiveness(options), {
    ping: () => ws.readyState === ws.OPEN && ws.ping(),
    blocked: () => paused || sender.pending > 0,
    fail: (reason) => duplex.destroy(reason),
  })
  let over = false
  ws.on('message', (data: RawData, isBinary: boolean) => {
    if (over || duplex.destroyed) return
    watch.moved()
    watch.heard()
    if (!isBinary) {
      duplex.destroy(new StreamError('protocol', 'text message in a byte stream', { closeCode: 1003 }))
      return
    }
    const chunk = Buffer.isBuffer(data) ? data : Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data)
    if (chunk.length > 0 && !duplex.push(chunk) && !duplex.destroyed) {
      paused = true
      ws.pause()
    }
    if (duplex.readableLength > limits.maxBufferedBytes) {
      duplex.destroy(new StreamError('limit', 'too many bytes buffered'))
    }
  })
  ws.on('pong', () => watch.heard())
  ws.on('ping', () => watch.heard())
  ws.on('error', (cause) =>
    duplex.destroy(new StreamError('protocol', 'the WebSocket was misused', { cause })),
  )
  const closed = (code: number) => {
    over = true
    watch.stop()
    // 1005 is a goodbye without a code.
    if (code === 1000 || code === 1005 || duplex.writableFinished) duplex.push(null)
    else duplex.destroy(new StreamError('gone', `closed with ${code}`))
    if (!duplex.writableEnded) duplex.end()
  }
  ws.on('close', closed)
  if (ws.readyState === ws.CLOSED) setImmediate(closed, 1006)
  else ws.resume()
  return duplex
}
