import type { AddressGuard } from './address-guard.ts'
import { readJson, refuseRedirect } from './answer.ts'
import { createConnections } from './connections.ts'
import { withDeadline } from './deadline.ts'
import { buildHeaders, encodeBody } from './headers.ts'
import { buildPath, buildQuery } from './path.ts'
import {
  type ApiRequest,
  type ApiResponse,
  type KubeClient,
  type KubeTarget,
  KubeUnreachableError,
} from './types.ts'
import { openWebSocket } from './upgrade.ts'

export interface KubeClientOptions {
  /** User-Agent where a request sets none; upstream the field manager comes from it (rule 6). */
  userAgent?: string
  /** Connections of `send` at most, watches and logs; as many as needed when absent. */
  maxConnections?: number
  /** Connections of `json` at most, whose answers are read to their end at once; 64 by default. */
  briefConnections?: number
  /** How long an idle connection is kept, in milliseconds; 60,000 by default (Go servers close after 90,000). */
  keepAliveMs?: number
  /** To connect, TLS included, in milliseconds; 10,000 by default. */
  connectTimeoutMs?: number
  /** Default of a request's `timeoutMs`; 30,000. */
  timeoutMs?: number
  /** The largest answer that `json()` reads, in bytes; 64 MiB by default. */
  maxJsonBytes?: number
  /** The largest WebSocket message taken, in bytes; 16 MiB by default. */
  maxMessageBytes?: number
  /** Lets `http://` servers through; for tests alone. */
  allowInsecureHttp?: boolean
  /** Which addresses may be connected to; any by default. */
  guard?: AddressGuard
}

const MIB = 1024 * 1024
/**
 * At 5 ms a request some 12,000 a second; those that wait for an admission webhook hold one each. A burst of 900 took
 * 0.6 s of CPU over 16, 0.9 s over 32 and 1.5 s over 128, and met the time limit of handshakes over as many as it has.
 */
const BRIEF_CONNECTIONS = 64

/**
 * The client of one API server on undici and ws: HTTP/1.1, kept connections, TLS always verified.
 * An abort by the request's own signal rejects with the signal's reason; every other failure is a KubeApiError
 * or a KubeUnreachableError, or an IsthmusError `bad_request` for a request that must not go out.
 * @throws IsthmusError invalid for a target that can not be used
 */
export function createKubeClient(target: KubeTarget, options: KubeClientOptions = {}): KubeClient {
  const userAgent = options.userAgent ?? 'isthmus'
  const defaultTimeoutMs = options.timeoutMs ?? 30_000
  const connections = createConnections(target, {
    maxConnections: options.maxConnections ?? null,
    briefConnections: Math.min(
      options.briefConnections ?? BRIEF_CONNECTIONS,
      options.maxConnections ?? Number.POSITIVE_INFINITY,
    ),
    keepAliveMs: options.keepAliveMs ?? 60_000,
    connectTimeoutMs: options.connectTimeoutMs ?? 10_000,
    allowInsecureHttp: options.allowInsecureHttp ?? false,
    guard: options.guard,
  })

  async function dispatch(request: ApiRequest, pool: 'pool' | 'brief'): Promise<ApiResponse> {
    const path = buildPath(connections.current().prefix, request.path) + buildQuery(request.query)
    const { bytes, contentType } = encodeBody(request.body)
    const deadline = withDeadline(request.signal, request.timeoutMs ?? defaultTimeoutMs)
    try {
      deadline.signal.throwIfAborted()
      const headers = await deadline.race(buildHeaders(target, request.headers, userAgent))
      if (contentType) headers['content-type'] ??= contentType
      const answer = await connections.current()[pool].request({
        path,
        method: request.method,
        headers,
        body: bytes,
        signal: deadline.signal,
        // Else undici gives up the connection after a DELETE with a body, and Kubernetes' preconditions are one.
        reset: false,
      })
      const { statusCode: status, body } = answer
      refuseRedirect({ status, body })
      body.once('close', deadline.detach)
      // Whoever reads it meets the error; one that nobody reads yet must not end the process.
      body.on('error', () => {})
      return { status, headers: answer.headers, body }
    } catch (error) {
      deadline.detach()
      throw deadline.translate(error)
    } finally {
      deadline.reached()
    }
  }

  async function sendBy(pool: 'pool' | 'brief', request: ApiRequest): Promise<ApiResponse> {
    try {
      return await dispatch(request, pool)
    } catch (error) {
      if (request.method !== 'GET' || request.signal?.aborted || !isStaleConnection(error)) throw error
      // A kept connection that the server closed meanwhile; a read can be repeated, once.
      return dispatch(request, pool)
    }
  }

  async function json<T>(request: ApiRequest): Promise<T> {
    return readJson<T>(await sendBy('brief', request), {
      maxBytes: options.maxJsonBytes ?? 64 * MIB,
      idleMs: request.timeoutMs ?? defaultTimeoutMs,
      signal: request.signal,
    })
  }

  return {
    send: (request) => sendBy('pool', request),
    json,
    upgrade: async (request) => {
      const { origin, prefix, tls } = connections.current()
      return openWebSocket(request, {
        url: `${origin.replace(/^http/, 'ws')}${buildPath(prefix, request.path)}${buildQuery(request.query)}`,
        headers: () => buildHeaders(target, undefined, userAgent),
        tls,
        lookup: options.guard?.lookup,
        timeoutMs: request.timeoutMs ?? defaultTimeoutMs,
        maxMessageBytes: options.maxMessageBytes ?? 16 * MIB,
      })
    },
    close: () => connections.destroy(),
  }
}

function isStaleConnection(error: unknown): boolean {
  const cause =
    error instanceof KubeUnreachableError ? (error.cause as { code?: string } | undefined) : undefined
  return cause?.code === 'UND_ERR_SOCKET' || cause?.code === 'ECONNRESET' || cause?.code === 'EPIPE'
}
