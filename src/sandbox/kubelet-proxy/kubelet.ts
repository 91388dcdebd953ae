import { type ClientRequest, type IncomingMessage, STATUS_CODES } from 'node:http'
import { Agent, request as requestHttps } from 'node:https'
import type { V1Node } from '@kubernetes/client-node'
import { type ErrorCode, IsthmusError } from '../../protocol/errors/index.ts'

/** Where an API server finds the kubelet when the node does not say (ports.KubeletPort). */
const DEFAULT_PORT = 10_250
/** How long the kubelet may take to answer with its headers. */
const ANSWER_MS = 30_000

/** The order of `--kubelet-preferred-address-types`, with InternalIP first: the names of sandbox nodes are in no DNS. */
const ADDRESS_TYPES = ['InternalIP', 'Hostname', 'InternalDNS', 'ExternalIP', 'ExternalDNS']

/** How the API server shows itself to kubelets, and whom it trusts. */
export interface KubeletTrust {
  /** PEM: `kube-apiserver-kubelet-client` of `system:masters`. */
  cert: string
  key: string
  /** PEM. Without it the kubelet's certificate is not verified, as with an API server without --kubelet-certificate-authority. */
  ca?: string
}

export interface KubeletRequest {
  method: string
  /** Segments, each encoded here. */
  path: readonly string[]
  query: URLSearchParams
  headers?: Record<string, string | string[]>
}

/** Connections to the kubelets of all nodes. */
export interface KubeletClient {
  /** A request that has not been ended. @throws IsthmusError internal for a node without an address. */
  request(node: V1Node, request: KubeletRequest): ClientRequest
  close(): void
}

export function createKubeletClient(trust: KubeletTrust): KubeletClient {
  const tls = { cert: trust.cert, key: trust.key, ca: trust.ca, rejectUnauthorized: trust.ca !== undefined }
  const agent = new Agent({ keepAlive: true, ...tls })
  return {
    request(node, { method, path, query, headers }) {
      const { addresses = [], daemonEndpoints } = node.status ?? {}
      const address = ADDRESS_TYPES.map((type) => addresses.find((each) => each.type === type)).find(Boolean)
      if (!address) throw new IsthmusError('internal', `no preferred addresses found; known addresses: []`)
      const port = daemonEndpoints?.kubeletEndpoint?.Port || DEFAULT_PORT
      const search = query.toString()
      const encoded = path.map(encodeURIComponent).join('/')
      const sent = requestHttps({
        host: address.address,
        port,
        method,
        path: `/${encoded}${search ? `?${search}` : ''}`,
        headers,
        agent,
      })
      const timer = setTimeout(() => sent.destroy(new Error('i/o timeout')), ANSWER_MS)
      const answered = () => clearTimeout(timer)
      sent.once('response', answered).once('upgrade', answered).once('close', answered)
      return sent
    },
    close: () => agent.destroy(),
  }
}

/** What an API server answers when the kubelet can not be reached: 500, in its words. */
export function dialError(cause: unknown): IsthmusError {
  if (cause instanceof IsthmusError) return cause
  return new IsthmusError('internal', `error dialing backend: ${(cause as Error).message}`, { cause })
}

const codes: Record<number, ErrorCode> = {
  400: 'bad_request',
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'not_found',
  405: 'method_not_allowed',
  422: 'invalid',
  429: 'too_many_requests',
  503: 'unavailable',
}

const MAX_BODY = 64 * 1024

/** An answer that was not wanted, as an error with the kubelet's own text (GenericHttpResponseChecker). */
export async function refusalOf(response: IncomingMessage): Promise<IsthmusError> {
  let body = ''
  for await (const chunk of response) {
    body += String(chunk)
    if (body.length > MAX_BODY) break
  }
  const status = response.statusCode ?? 500
  const text = body.trim() || (STATUS_CODES[status] ?? `the kubelet answered ${status}`)
  return new IsthmusError(codes[status] ?? 'internal', text)
}
