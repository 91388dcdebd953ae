import { request as httpsRequest } from 'node:https'
import type { KeyPair } from './certificates.ts'

export interface ApiRequest {
  method?: string
  path: string
  /** Sent as JSON; a string goes as it is. */
  body?: unknown
  contentType?: string
  headers?: Record<string, string>
}

export interface ApiReply {
  status: number
  text: string
  /** The parsed body; undefined where it is not JSON. */
  json: Record<string, unknown> | undefined
}

/** Who asks. */
export type Credential = KeyPair | { token: string } | 'anonymous'

/** One plain request to an API server, with no client library between: suites use it to try what is refused. */
export function apiRequest(
  server: { server: string; ca: string },
  credential: Credential,
  request: ApiRequest,
): Promise<ApiReply> {
  const body =
    request.body === undefined || typeof request.body === 'string'
      ? request.body
      : JSON.stringify(request.body)
  return new Promise((resolve, reject) => {
    const sent = httpsRequest(`${server.server}${request.path}`, {
      method: request.method ?? 'GET',
      ca: server.ca,
      ...(credential !== 'anonymous' && 'key' in credential ? credential : {}),
      headers: {
        accept: 'application/json',
        ...(body === undefined ? {} : { 'content-type': request.contentType ?? 'application/json' }),
        ...(credential !== 'anonymous' && 'token' in credential
          ? { authorization: `Bearer ${credential.token}` }
          : {}),
        ...request.headers,
      },
    })
    sent.setTimeout(30_000, () => sent.destroy(new Error(`no answer in 30 s: ${request.path}`)))
    sent.once('error', reject)
    sent.once('upgrade', (reply, socket) => {
      socket.destroy()
      resolve({ status: reply.statusCode ?? 101, text: '', json: undefined })
    })
    sent.once('response', (reply) => {
      const chunks: Buffer[] = []
      reply.on('data', (chunk: Buffer) => chunks.push(chunk))
      reply.once('error', reject)
      reply.once('end', () => {
        const text = Buffer.concat(chunks).toString()
        resolve({ status: reply.statusCode ?? 0, text, json: parse(text) })
      })
    })
    sent.end(body)
  })
}

function parse(text: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(text) as Record<string, unknown>
  } catch {
    return undefined
  }
}
