import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  type OutgoingHttpHeaders,
} from 'node:http2'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import type { ResolvedTarget } from './target.ts'
import { KubeUnreachableError } from './types.ts'

/** Kubernetes' API servers allow 100 and never answer those beyond (agent-rules.md 33). */
const STREAMS_MAX = 90

export interface SessionOptions {
  target: ResolvedTarget
  connectTimeoutMs: number
  /** Between PINGs. */
  pingIntervalMs: number
  /** How long a PING may stay unanswered. */
  pingTimeoutMs: number
  /** How long a connection without streams is kept. */
  idleMs: number
  /** Called once, when it takes no more streams. */
  onRetired: (connection: Http2Connection) => void
  /** Called once, when it is gone or never came to be. */
  onClosed: (connection: Http2Connection) => void
}

/** One connection and the streams on it. */
export interface Http2Connection {
  /** Takes a place among its streams; false when it is full or retired. Each place is given back once. */
  reserve(): boolean
  release(): void
  /** Resolves when it is open. @throws KubeUnreachableError; NoHttp2Error when the server has no HTTP/2 */
  opened(): Promise<void>
  /** Opens a stream on a reserved place; undefined when the server allows fewer than were reserved. @throws KubeUnreachableError when it is not open */
  request(headers: OutgoingHttpHeaders): ClientHttp2Stream | undefined
  /** No new streams; it closes when the last has ended. */
  retire(): void
  destroy(): void
}

/** The server speaks HTTP/1.1 only. */
export class NoHttp2Error extends KubeUnreachableError {
  constructor() {
    super('the API server does not speak HTTP/2', undefined)
    this.name = 'NoHttp2Error'
  }
}

export function openConnection(options: SessionOptions): Http2Connection {
  let used = 0
  let streams = 0
  let retired = false
  let session: ClientHttp2Session | undefined
  let idle: NodeJS.Timeout | undefined
  let ping: NodeJS.Timeout | undefined
  const opening = open(options).then((opened) => {
    session = opened
    opened.on('error', () => retire()) // its streams fail with it, and say so
    opened.on('goaway', () => retire())
    opened.on('close', () => {
      clearInterval(ping)
      retire()
      options.onClosed(connection)
    })
    ping = setInterval(() => sendPing(opened, options.pingTimeoutMs), options.pingIntervalMs).unref()
    if (retired) closeWhenUnused()
    return opened
  })
  opening.catch(() => {
    retire()
    options.onClosed(connection)
  })

  function retire(): void {
    if (retired) return
    retired = true
    clearTimeout(idle)
    options.onRetired(connection)
    closeWhenUnused()
  }

  function closeWhenUnused(): void {
    if (used === 0) session?.close()
  }

  function limit(): number {
    return Math.min(STREAMS_MAX, session?.remoteSettings?.maxConcurrentStreams ?? STREAMS_MAX)
  }

  const connection: Http2Connection = {
    reserve() {
      if (retired || used >= limit()) return false
      used += 1
      clearTimeout(idle)
      return true
    },
    release() {
      used -= 1
      if (used > 0) return
      if (retired) closeWhenUnused()
      else idle = setTimeout(retire, options.idleMs).unref()
    },
    opened: async () => {
      await opening
    },
    request(headers) {
      if (!session || session.closed || session.destroyed) {
        throw new KubeUnreachableError('the connection has closed', undefined)
      }
      if (streams >= limit()) return undefined
      streams += 1
      return session.request(headers).once('close', () => {
        streams -= 1
      })
    },
    retire,
    destroy() {
      retire()
      opening.then((opened) => opened.destroy()).catch(() => {}) // it never opened: nothing to end
    },
  }
  return connection
}

/** Takes a connection whose peer does not answer for dead: its streams end, and are begun anew elsewhere. */
function sendPing(session: ClientHttp2Session, timeoutMs: number): void {
  if (session.closed || session.destroyed) return
  const dead = () =>
    session.destroy(new KubeUnreachableError(`no PING came back in ${timeoutMs} ms`, undefined))
  const timer = setTimeout(dead, timeoutMs)
  session.ping((error) => {
    clearTimeout(timer)
    if (error && !session.destroyed) session.destroy(error)
  })
}

async function open({ target, connectTimeoutMs }: SessionOptions): Promise<ClientHttp2Session> {
  const socket = await openSocket(target, connectTimeoutMs)
  if (socket.alpnProtocol !== 'h2') {
    socket.destroy()
    throw new NoHttp2Error()
  }
  const session = connect(target.origin, { createConnection: () => socket })
  return new Promise((resolve, reject) => {
    const dead = () => session.destroy(new Error(`no settings within ${connectTimeoutMs} ms`))
    const timer = setTimeout(dead, connectTimeoutMs)
    const fail = (error?: Error) => {
      clearTimeout(timer)
      reject(new KubeUnreachableError('the API server can not be reached', error))
    }
    session.once('error', fail).once('close', fail)
    // Only its settings say how many streams it takes.
    session.once('remoteSettings', () => {
      clearTimeout(timer)
      session.off('error', fail).off('close', fail)
      resolve(session)
    })
  })
}

function openSocket({ origin, tls }: ResolvedTarget, timeoutMs: number): Promise<TLSSocket> {
  const { hostname, port } = new URL(origin)
  return new Promise((resolve, reject) => {
    const host = hostname.replace(/^\[|\]$/g, '')
    const socket = connectTls({ ...tls, host, port: Number(port || 443), ALPNProtocols: ['h2', 'http/1.1'] })
    const timer = setTimeout(
      () => socket.destroy(new Error(`no connection within ${timeoutMs} ms`)),
      timeoutMs,
    )
    const fail = (error?: Error) => {
      clearTimeout(timer)
      reject(new KubeUnreachableError('the API server can not be reached', error))
    }
    socket.once('error', fail)
    socket.once('close', () => fail())
    socket.once('secureConnect', () => {
      clearTimeout(timer)
      socket.removeAllListeners('error').removeAllListeners('close')
      socket.setNoDelay(true)
      resolve(socket)
    })
  })
}
