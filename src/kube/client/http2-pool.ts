import {
  type ClientHttp2Stream,
  constants,
  type IncomingHttpHeaders,
  type IncomingHttpStatusHeader,
} from 'node:http2'
import { readJson, refuseRedirect } from './answer.ts'
import { type Deadline, withDeadline } from './deadline.ts'
import { buildHeaders, encodeBody } from './headers.ts'
import { bodyOf } from './http2-body.ts'
import { type Http2Connection, NoHttp2Error, openConnection } from './http2-session.ts'
import { buildPath, buildQuery } from './path.ts'
import { resolveTarget } from './target.ts'
import {
  type ApiRequest,
  type ApiResponse,
  type KubeClient,
  type KubeTarget,
  KubeUnreachableError,
} from './types.ts'

export interface Http2PoolOptions {
  userAgent?: string
  /** Serves everything once the server has shown that it speaks HTTP/1.1 only; without it that is an error. */
  fallback?: Pick<KubeClient, 'send' | 'json'>
  /** Until an answer's headers, in milliseconds; 30,000 by default. A stream beyond the server's limit is never answered. */
  timeoutMs?: number
  /** 10,000 milliseconds by default. */
  connectTimeoutMs?: number
  /** 30,000 and 10,000 milliseconds by default. */
  pingIntervalMs?: number
  pingTimeoutMs?: number
  /** How long a connection without streams is kept; 30,000 milliseconds by default. */
  idleMs?: number
  maxJsonBytes?: number
}

export interface Http2Pool extends Pick<KubeClient, 'send' | 'json' | 'close'> {
  /** Connections that are open or opening. */
  connections(): number
}

/**
 * A client over few HTTP/2 connections, for very many watches at a time: 500 watches are 500 sockets and 77 MB
 * over HTTP/1.1, and 6 connections and 4 MB here (agent-rules.md 33). At most 90 streams go on a connection,
 * since API servers leave those beyond 100 without an answer; one that was left so is not used again.
 */
export function createHttp2Pool(target: KubeTarget, options: Http2PoolOptions = {}): Http2Pool {
  let resolved = resolveTarget(target)
  const timeoutMs = options.timeoutMs ?? 30_000
  const usable = new Set<Http2Connection>()
  const all = new Set<Http2Connection>()
  let withoutHttp2 = false

  /** A certificate that was renewed is shown by new connections; what runs on the old ones goes on there. */
  function followCertificate(): void {
    const certificate = target.currentCertificate?.()
    if (!certificate || certificate.cert === resolved.tls.cert) return
    resolved = resolveTarget(target)
    for (const connection of [...usable]) connection.retire()
  }

  function reserve(): Http2Connection {
    followCertificate()
    for (const connection of usable) if (connection.reserve()) return connection
    const connection = openConnection({
      target: resolved,
      connectTimeoutMs: options.connectTimeoutMs ?? 10_000,
      pingIntervalMs: options.pingIntervalMs ?? 30_000,
      pingTimeoutMs: options.pingTimeoutMs ?? 10_000,
      idleMs: options.idleMs ?? 30_000,
      onRetired: (retired) => usable.delete(retired),
      onClosed: (closed) => all.delete(closed),
    })
    usable.add(connection)
    all.add(connection)
    connection.reserve()
    return connection
  }

  async function dispatch(request: ApiRequest): Promise<ApiResponse> {
    const path = buildPath(resolved.prefix, request.path) + buildQuery(request.query)
    const { bytes, contentType } = encodeBody(request.body)
    const deadline = withDeadline(request.signal, request.timeoutMs ?? timeoutMs)
    let connection: Http2Connection | undefined
    let stream: ClientHttp2Stream | undefined
    try {
      deadline.signal.throwIfAborted()
      const headers = await deadline.race(
        buildHeaders(target, request.headers, options.userAgent ?? 'isthmus'),
      )
      if (contentType) headers['content-type'] ??= contentType
      while (!stream) {
        connection = reserve()
        await deadline.race(connection.opened())
        stream = connection.request({ ...headers, ':method': request.method, ':path': path })
        if (!stream) connection.release()
      }
      stream.once('close', connection!.release)
      stream.end(bytes)
      return await answerOf(stream, deadline)
    } catch (error) {
      deadline.detach()
      if (!stream) connection?.release()
      if (deadline.timedOut()) connection?.retire()
      throw deadline.translate(error)
    } finally {
      deadline.reached()
    }
  }

  async function send(request: ApiRequest): Promise<ApiResponse> {
    if (withoutHttp2 && options.fallback) return options.fallback.send(request)
    try {
      return await dispatch(request)
    } catch (error) {
      if (!(error instanceof NoHttp2Error) || !options.fallback) throw error
      withoutHttp2 = true
      return options.fallback.send(request)
    }
  }

  return {
    send,
    async json<T>(request: ApiRequest): Promise<T> {
      return readJson<T>(await send(request), {
        maxBytes: options.maxJsonBytes ?? 64 * 1024 * 1024,
        idleMs: request.timeoutMs ?? timeoutMs,
        signal: request.signal,
      })
    },
    async close() {
      for (const connection of all) connection.destroy()
    },
    connections: () => all.size,
  }
}

/** The answer's headers, the stream being its body. The caller's signal ends the stream, now and later. */
function answerOf(stream: ClientHttp2Stream, deadline: Deadline): Promise<ApiResponse> {
  return new Promise((resolve, reject) => {
    let settled = false
    const onAbort = () => {
      stream.close(constants.NGHTTP2_CANCEL)
      stream.destroy(settled ? deadline.signal.reason : undefined)
    }
    const fail = (error?: unknown) => {
      settled = true
      reject(error ?? new KubeUnreachableError('the stream ended without an answer', undefined))
    }
    deadline.signal.addEventListener('abort', onAbort, { once: true })
    stream.once('error', fail)
    stream.once('close', () => {
      deadline.detach()
      fail()
    })
    stream.once('response', (headers: IncomingHttpHeaders & IncomingHttpStatusHeader) => {
      settled = true
      stream.off('error', fail)
      const answer = {
        status: headers[':status'] ?? 0,
        headers: withoutPseudo(headers),
        body: bodyOf(stream),
      }
      try {
        refuseRedirect(answer)
        resolve(answer)
      } catch (error) {
        reject(error)
      }
    })
  })
}

function withoutPseudo(headers: IncomingHttpHeaders): ApiResponse['headers'] {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith(':')))
}
