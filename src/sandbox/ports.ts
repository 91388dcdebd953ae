import type { IncomingMessage } from 'node:http'
import type { Duplex, Readable } from 'node:stream'
import type { V1Node, V1Pod } from '@kubernetes/client-node'

/**
 * What the API server needs from whoever runs the pods: in a data plane the runtime (child processes), in a user
 * cluster the kubelet proxy (the node's own port). The API server has authenticated and authorised the caller, found
 * the pod, checked that it is bound and resolved the container before it calls.
 */
export interface PodBackend {
  /**
   * The log. The body ends at the end of the log, or with `signal` when followed. It must be destroyed by whoever
   * does not read it to the end. @throws IsthmusError, such as `bad_request` while the container waits to start.
   */
  logs(request: PodLogRequest): Promise<Readable>

  /**
   * Takes an upgrade over: answers it on `socket` (101 or an error) and speaks SPDY/3.1 or WebSocket from then on.
   * Rejects only **before** it wrote anything to the socket: the API server then answers with the error's Status.
   */
  upgrade(request: PodUpgradeRequest): Promise<void>

  /** A change of the pod's grace, a deletion and so on come by the store's watch; nothing else is called. */
}

/** What both share. */
export interface PodRequest {
  pod: V1Pod
  /** The node the pod is bound to; undefined in a data plane whose nodes are the runtime's own. */
  node?: V1Node
}

/** core/v1 PodLogOptions, checked. */
export interface PodLogRequest extends PodRequest {
  container: string
  follow: boolean
  previous: boolean
  timestamps: boolean
  /** Lines from the end; 0 is none. */
  tailLines?: number
  sinceSeconds?: number
  /** RFC 3339. */
  sinceTime?: string
  limitBytes?: number
  /** All when absent. */
  stream?: 'All' | 'Stdout' | 'Stderr'
  insecureSkipTLSVerifyBackend: boolean
  signal: AbortSignal
}

/** An exec, attach or port-forward. */
export interface PodUpgradeRequest extends PodRequest {
  verb: 'exec' | 'attach' | 'portforward'
  /** Empty for portforward. */
  container: string
  command: readonly string[]
  stdin: boolean
  stdout: boolean
  stderr: boolean
  tty: boolean
  /** Of `ports=` in the query (WebSocket v4 port-forward); SPDY says them in its stream headers. */
  ports: readonly number[]
  /** The request as it came, with its headers (`Upgrade`, `X-Stream-Protocol-Version`, `Sec-WebSocket-Protocol`). */
  request: IncomingMessage
  socket: Duplex
  head: Buffer
}
