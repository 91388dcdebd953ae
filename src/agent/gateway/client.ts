import { STATUS_CODES } from 'node:http'
import type { WebSocket } from 'ws'
import { readBody } from '../../kube/client/answer.ts'
import { KubeApiError, type KubeClient, type UpgradeRequest } from '../../kube/index.ts'
import {
  type Self,
  type SessionRequest,
  type SessionTicket,
  WRITER_EPOCH_HEADER,
  type WriterLease,
} from '../../protocol/schemas/agent.ts'

/** The gateway as the agent uses it: the Kubernetes face, and the agent face. */
export interface GatewayClient {
  /** The Kubernetes face; every write carries the writer's epoch. */
  kube: KubeClient
  /** @returns undefined when nothing changed within `waitSeconds`. */
  self(options: { etag?: string; waitSeconds: number; signal?: AbortSignal }): Promise<SelfAnswer | undefined>
  acquireLease(instance: string): Promise<WriterLease>
  renewLease(instance: string, epoch: number): Promise<WriterLease>
  releaseLease(instance: string, epoch: number): Promise<void>
  /** Asks for a ticket and opens the stream with it. */
  openSession(
    request: SessionRequest,
    options: { protocols: string[]; signal?: AbortSignal },
  ): Promise<WebSocket>
}

export interface SelfAnswer {
  self: Self
  etag: string | undefined
}

export interface GatewayClientOptions {
  /** Speaks with the agent's token. */
  authenticated: KubeClient
  /** Without identity: a session's stream is opened by its ticket alone. */
  anonymous: Pick<KubeClient, 'upgrade'>
  /** Epoch of the writer lease that this process holds; undefined when it does not. */
  epoch(): number | undefined
}

const LEASE = ['v1', 'writer-lease']

/** Makes the agent's view of the gateway. */
export function createGatewayClient(options: GatewayClientOptions): GatewayClient {
  const { authenticated } = options

  /** A read goes out as it is; a write says who the writer is, and the gateway refuses an older epoch (rule 27). */
  function fenced<R extends { method: string; headers?: Record<string, string> }>(request: R): R {
    const epoch = options.epoch()
    if (request.method === 'GET' || epoch === undefined) return request
    return { ...request, headers: { ...request.headers, [WRITER_EPOCH_HEADER]: String(epoch) } }
  }

  return {
    kube: {
      send: (request) => authenticated.send(fenced(request)),
      json: (request) => authenticated.json(fenced(request)),
      upgrade: (request) => authenticated.upgrade(request),
      close: () => authenticated.close(),
    },
    async self({ etag, waitSeconds, signal }) {
      const answer = await authenticated.send({
        method: 'GET',
        path: ['v1', 'self'],
        query: etag ? { wait: waitSeconds } : {},
        headers: etag ? { 'if-none-match': etag } : {},
        timeoutMs: (waitSeconds + 5) * 1000,
        signal,
      })
      const body = await readBody(answer.body, { maxBytes: 1 << 20, idleMs: 10_000 })
      if (answer.status === 304) return undefined
      if (answer.status !== 200) throw refused(answer.status, body)
      const tag = answer.headers['etag']
      return { self: JSON.parse(body.toString('utf8')) as Self, etag: Array.isArray(tag) ? tag[0] : tag }
    },
    acquireLease: (instance) =>
      authenticated.json<WriterLease>({ method: 'POST', path: LEASE, body: { instance }, timeoutMs: 5_000 }),
    renewLease: (instance, epoch) =>
      authenticated.json<WriterLease>({
        method: 'PUT',
        path: LEASE,
        body: { instance, epoch },
        timeoutMs: 5_000,
      }),
    async releaseLease(instance, epoch) {
      const answer = await authenticated.send({
        method: 'DELETE',
        path: LEASE,
        query: { instance, epoch },
        timeoutMs: 5_000,
      })
      answer.body.resume()
    },
    async openSession(request, { protocols, signal }) {
      const { id, ticket } = await authenticated.json<SessionTicket>({
        method: 'POST',
        path: ['v1', 'sessions'],
        body: request,
        signal,
      })
      const bearer = `base64url.bearer.authorization.k8s.io.${Buffer.from(ticket).toString('base64url')}`
      const upgrade: UpgradeRequest = {
        path: ['v1', 'sessions', id, 'stream'],
        protocols: [...protocols, bearer],
        signal,
      }
      return options.anonymous.upgrade(upgrade)
    },
  }
}

/** The agent face answers problems (RFC 9457), not Statuses: one shape for the code that branches on them. */
function refused(status: number, body: Buffer): KubeApiError {
  let message = `the gateway answered ${status} ${STATUS_CODES[status] ?? ''}`.trim()
  try {
    const problem = JSON.parse(body.toString('utf8')) as { detail?: string }
    if (problem.detail) message = problem.detail
  } catch {
    // No JSON: the status says enough.
  }
  return new KubeApiError(status, {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    code: status,
  })
}
