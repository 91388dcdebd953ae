import { randomUUID } from 'node:crypto'
import type { Duplex } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { defaultStreamLimits } from './limits.ts'
import type { SpdyConnection } from './spdy/connection.ts'
import type { SpdyStream } from './spdy/stream.ts'
import { asError, StreamError } from './stream-error.ts'

interface Pair {
  error?: SpdyStream
  data?: SpdyStream
  timer: NodeJS.Timeout
}

export interface ServePortForwardOptions {
  /** Opens the connection to that port of the pod. What it throws is told to the client by its message. */
  connect(port: number): Promise<Duplex>
  /** How long the second stream of a pair may take (kubelet: 30 s). */
  pairTimeoutMs?: number
}

/**
 * The end of a port-forward where the ports are: for every pair of streams (`streamtype` error and data, the same
 * `requestid` and `port`) a connection to that port. Give `onStream` to `createSpdyConnection`.
 */
export function servePortForward(options: ServePortForwardOptions): { onStream(stream: SpdyStream): void } {
  const { connect, pairTimeoutMs = defaultStreamLimits.setupTimeoutMs } = options
  const pairs = new Map<string, Pair>()
  return {
    onStream(stream) {
      const type = stream.headers['streamtype']
      const port = parsePort(stream.headers['port'])
      if ((type !== 'error' && type !== 'data') || port === undefined) {
        stream.reset()
        return
      }
      // Clients older than 1.6 send no request id: their error stream comes right before its data stream.
      const key = stream.headers['requestid'] ?? `#${type === 'error' ? stream.id : stream.id - 2}`
      const pair = pairs.get(key) ?? newPair(pairs, key, pairTimeoutMs)
      if (pair[type]) {
        stream.reset()
        return
      }
      pair[type] = stream
      const { error, data } = pair
      if (!error || !data) return
      clearTimeout(pair.timer)
      pairs.delete(key)
      void forward(error, data, port, connect)
    },
  }
}

function newPair(pairs: Map<string, Pair>, key: string, ms: number): Pair {
  const timer = setTimeout(() => {
    pairs.delete(key)
    pair.error?.reset()
    pair.data?.reset()
  }, ms)
  timer.unref()
  const pair: Pair = { timer }
  pairs.set(key, pair)
  return pair
}

/**
 * Never rejects. Only a failure to connect is told in words: kubectl ends the whole port-forward on any word, and
 * resets its half of the data stream as a matter of course once the pod has ended the other one.
 */
async function forward(
  error: SpdyStream,
  data: SpdyStream,
  port: number,
  connect: (port: number) => Promise<Duplex>,
): Promise<void> {
  error.resume()
  let target: Duplex
  try {
    target = await connect(port)
  } catch (cause) {
    if (error.writable) error.end(`error forwarding port ${port}: ${asError(cause).message}`)
    data.destroy()
    return
  }
  target.on('error', () => {}) // told by the pipelines
  await Promise.allSettled([pipeline(data, target), pipeline(target, data)])
  error.end()
}

function parsePort(text: string | undefined): number | undefined {
  if (!text || !/^\d{1,5}$/.test(text)) return undefined
  const port = Number(text)
  return port >= 1 && port <= 65_535 ? port : undefined
}

const MAX_ERROR_BYTES = 4096

/**
 * Opens a connection to a port at the other end of a port-forward.
 * The stream that comes back is destroyed with a StreamError that carries the peer's words when it cannot connect.
 */
export async function openPortForward(connection: SpdyConnection, port: number): Promise<Duplex> {
  const headers = { port: String(port), requestid: randomUUID() }
  const error = await connection.openStream({ streamtype: 'error', ...headers })
  error.end() // nothing is ever sent on it
  const data = await connection.openStream({ streamtype: 'data', ...headers })
  // At once and not at its end: the peer resets the data stream right behind its words.
  error.on('data', (bytes: Buffer) => {
    data.destroy(new StreamError('aborted', bytes.toString('utf8').slice(0, MAX_ERROR_BYTES)))
  })
  return data
}
