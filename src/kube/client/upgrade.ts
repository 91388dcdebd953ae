import type { IncomingMessage } from 'node:http'
import type { LookupFunction } from 'node:net'
import { WebSocket } from 'ws'
import { readBody, toKubeApiError } from './answer.ts'
import { withDeadline } from './deadline.ts'
import type { TlsOptions } from './target.ts'
import { KubeUnreachableError, type UpgradeRequest } from './types.ts'

export interface OpenOptions {
  url: string
  headers: () => Promise<Record<string, string>>
  tls: TlsOptions
  lookup: LookupFunction | undefined
  timeoutMs: number
  maxMessageBytes: number
}

const REFUSAL_MAX = 256 * 1024
const REFUSAL_IDLE_MS = 5_000
const PROTOCOL = 'sec-websocket-protocol'

/**
 * Opens a WebSocket. The subprotocols go out as a header and are compared here, since ws refuses those with a
 * `/` as an argument (`SPDY/3.1+portforward.k8s.io`). It comes back paused, so that no message is lost before
 * the caller's first `message` listener, which resumes it.
 */
export async function openWebSocket(request: UpgradeRequest, options: OpenOptions): Promise<WebSocket> {
  const deadline = withDeadline(request.signal, options.timeoutMs)
  try {
    deadline.signal.throwIfAborted()
    const headers = {
      ...(await deadline.race(options.headers())),
      // A 1.36 API server passes the request on to the kubelet, whose stream routes produce nothing and answer
      // 406 to whoever names a media type.
      accept: '*/*',
      [PROTOCOL]: request.protocols.join(', '),
    }
    return await handshake(request.protocols, headers, options, deadline.signal)
  } catch (error) {
    throw deadline.translate(error)
  } finally {
    deadline.reached()
    deadline.detach() // from here on the socket is the caller's, its signal too
  }
}

function handshake(
  protocols: readonly string[],
  headers: Record<string, string>,
  options: OpenOptions,
  signal: AbortSignal,
): Promise<WebSocket> {
  return new Promise((resolve, reject) => {
    const ws = new WebSocket(options.url, [], {
      ...options.tls,
      ...(options.lookup ? { lookup: options.lookup } : {}),
      headers,
      followRedirects: false,
      perMessageDeflate: false,
      maxPayload: options.maxMessageBytes,
      // Bytes of a stream are not ours to judge, and text frames are rare: checking costs a pass over each.
      skipUTF8Validation: true,
    })
    let chosen: string | undefined
    const fail = (error: unknown) => {
      signal.removeEventListener('abort', onAbort)
      reject(error)
      ws.on('error', () => {}) // terminate() before the handshake's end emits one that says so
      ws.terminate()
    }
    const onAbort = () => fail(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    ws.once('error', fail)
    ws.once('upgrade', (response) => {
      const answered = response.headers[PROTOCOL]
      chosen = answered
      // ws sent none and would refuse any.
      delete response.headers[PROTOCOL]
    })
    ws.once('unexpected-response', (_request, response) => {
      refused(response).then(fail, fail)
    })
    ws.once('open', () => {
      if (chosen === undefined || !protocols.includes(chosen)) {
        fail(new KubeUnreachableError('the server chose a subprotocol that was not offered', undefined))
        return
      }
      ws.off('error', fail)
      signal.removeEventListener('abort', onAbort)
      Object.defineProperty(ws, 'protocol', { value: chosen })
      pauseUntilHeard(ws)
      resolve(ws)
    })
  })
}

/** The error for an upgrade that was answered otherwise. The socket never lives on (CVE-2018-1002105). */
async function refused(response: IncomingMessage): Promise<Error> {
  const code = response.statusCode ?? 0
  if (code < 400) {
    response.destroy()
    return new KubeUnreachableError(`the server answered an upgrade with ${code}`, undefined)
  }
  const body = await readBody(response, { maxBytes: REFUSAL_MAX, idleMs: REFUSAL_IDLE_MS })
  response.destroy()
  return toKubeApiError(code, response.headers, body)
}

function pauseUntilHeard(ws: WebSocket): void {
  ws.pause()
  const onListener = (event: string | symbol) => {
    if (event !== 'message') return
    ws.off('newListener', onListener)
    queueMicrotask(() => ws.resume())
  }
  ws.on('newListener', onListener)
}
