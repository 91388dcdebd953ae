import type { Readable } from 'node:stream'
import type { WebSocket } from 'ws'
import type { Status } from '../../protocol/errors/index.ts'

/** Query of a request to a Kubernetes API; undefined values are left out, arrays repeat the key. */
export type Query = Record<string, string | number | boolean | readonly string[] | undefined>

/** One request to a Kubernetes API server. */
export interface ApiRequest {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /**
   * The path as segments, such as `['api', 'v1', 'namespaces', ns, 'pods', name]`. Each is checked
   * (never empty, `.`, `..`, never with `/`, `\`, `%`, `?`, `#` or a control character), so that a name can not
   * reach another place (CVE-2022-3162's kind).
   */
  path: readonly string[]
  query?: Query
  /** Only `accept`, `content-type` and `user-agent` are let through; anything else throws. */
  headers?: Record<string, string>
  /** An object is sent as JSON, bytes and strings as they are (set `content-type`). */
  body?: unknown
  /** Ends the request, and later its body; rejects with the signal's reason. */
  signal?: AbortSignal
  /** Until the answer's headers, in milliseconds; 30,000 by default. */
  timeoutMs?: number
}

/** An answer whose body has not been read yet: read it or destroy it. */
export interface ApiResponse {
  status: number
  headers: Record<string, string | string[] | undefined>
  body: Readable
}

/** An upgrade to a WebSocket. */
export interface UpgradeRequest {
  path: readonly string[]
  query?: Query
  /** Subprotocols in order of preference; also `SPDY/3.1+portforward.k8s.io`, which ws itself refuses. */
  protocols: readonly string[]
  /** Ends the handshake; the socket, once open, is the caller's to end. */
  signal?: AbortSignal
  timeoutMs?: number
}

/** The door to one Kubernetes API server: connection pool, identity and TLS are inside. */
export interface KubeClient {
  /** Sends, whatever the answer's status. @throws KubeUnreachableError. Redirects are never followed. */
  send(request: ApiRequest): Promise<ApiResponse>
  /** Sends and parses. @throws KubeApiError for an answer outside 2xx, KubeUnreachableError. */
  json<T>(request: ApiRequest): Promise<T>
  /**
   * Opens a WebSocket, paused until the first `message` listener is there. `protocol` is what the server chose
   * out of `protocols`, always one of them; binary messages up to the client's `maxMessageBytes`. @throws KubeApiError with the refused upgrade's Status, KubeUnreachableError.
   */
  upgrade(request: UpgradeRequest): Promise<WebSocket>
  close(): Promise<void>
}

/** How a client authenticates; `token` is asked before each request, so that it may rotate. */
export interface KubeTarget {
  /** `https://host:port`, with an optional path prefix. */
  server: string
  /** PEM; the system's roots when absent. */
  ca?: string
  tlsServerName?: string
  token?: string | (() => Promise<string>)
  /** PEM of a client certificate and its key. */
  clientCertificate?: ClientCertificate
  /**
   * Asked before each request instead of `clientCertificate`, so that it may rotate: after a change new requests go
   * over new connections, since API servers look at the certificate of a request's connection, its end included;
   * watches and logs that run stay on the old ones, which close after the last of them.
   */
  currentCertificate?: () => ClientCertificate
}

/** PEM, both. */
export interface ClientCertificate {
  cert: string
  key: string
}

/** The API server answered, and not with 2xx. */
export class KubeApiError extends Error {
  /** HTTP status. */
  readonly code: number
  /** The Status it sent, or one made of what it sent instead. */
  readonly status: Status
  readonly retryAfterSeconds: number | undefined

  constructor(code: number, status: Status, retryAfterSeconds?: number) {
    super(status.message ?? `the API server answered ${code}`)
    this.name = 'KubeApiError'
    this.code = code
    this.status = status
    this.retryAfterSeconds = retryAfterSeconds
  }
}

/** Nothing came back, or half of it: refused, reset, timed out, TLS not trusted. What happened at the server is unknown. */
export class KubeUnreachableError extends Error {
  constructor(message: string, cause: unknown) {
    super(message, { cause })
    this.name = 'KubeUnreachableError'
  }
}

/** Whether the API server answered with this HTTP status, and this reason when one is given. */
export function isKubeApiError(error: unknown, code?: number, reason?: string): error is KubeApiError {
  return (
    error instanceof KubeApiError &&
    (code === undefined || error.code === code) &&
    (reason === undefined || error.status.reason === reason)
  )
}
