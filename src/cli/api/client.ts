import { Agent, request } from 'undici'
import { type ErrorCode, errorRegistry, IsthmusError, type Problem } from '../../protocol/errors/index.ts'

/** How the CLI reaches the operator face. */
export interface ApiConnection {
  /** Such as `https://127.0.0.1:8443`. */
  server: string
  token: string
  /** PEM; the system's roots when absent. */
  ca?: string
}

export interface ApiCall {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Segments under the server's root; each is encoded. */
  path: readonly string[]
  query?: Record<string, string | number | boolean | undefined>
  body?: unknown
  /** ETag that must still hold (If-Match). */
  ifMatch?: string
  /** Makes a POST safe to repeat. */
  idempotencyKey?: string
}

export interface ApiReply<T> {
  body: T
  etag: string | undefined
}

/** A page of a list: `continue` is there while there is more. */
export interface Page<T> {
  items: T[]
  continue?: string
}

export interface ApiClient {
  /** @throws IsthmusError with the code that the server gave; `unavailable` when nothing answered. */
  call<T>(call: ApiCall): Promise<ApiReply<T>>
  /** Every item of a list, page by page. */
  pages<T>(path: readonly string[], query?: ApiCall['query']): AsyncIterable<T>
  close(): Promise<void>
}

const REQUEST_TIMEOUT_MS = 60_000

/** A client of the operator face. */
export function createApiClient(connection: ApiConnection): ApiClient {
  const agent = new Agent({ connect: { ca: connection.ca }, headersTimeout: REQUEST_TIMEOUT_MS })

  async function call<T>(call: ApiCall): Promise<ApiReply<T>> {
    const url = new URL(connection.server)
    url.pathname = `/${call.path.map(encodeURIComponent).join('/')}`
    for (const [key, value] of Object.entries(call.query ?? {})) {
      if (value !== undefined) url.searchParams.set(key, String(value))
    }
    const headers: Record<string, string> = {
      accept: 'application/json',
      authorization: `Bearer ${connection.token}`,
    }
    if (call.body !== undefined) headers['content-type'] = 'application/json'
    if (call.ifMatch !== undefined) headers['if-match'] = call.ifMatch
    if (call.idempotencyKey !== undefined) headers['idempotency-key'] = call.idempotencyKey
    const body = call.body === undefined ? undefined : JSON.stringify(call.body)
    const reply = await send(
      () => request(url, { method: call.method, headers, body, dispatcher: agent }),
      connection,
    )
    const text = await reply.body.text()
    if (reply.statusCode >= 400) throw errorOf(reply.statusCode, text)
    const etag = reply.headers['etag']
    return { body: parse<T>(text), etag: Array.isArray(etag) ? etag[0] : etag }
  }

  async function* pages<T>(path: readonly string[], query: ApiCall['query'] = {}): AsyncIterable<T> {
    let next: string | undefined
    do {
      const reply: ApiReply<Page<T>> = await call({
        method: 'GET',
        path,
        query: { ...query, continue: next },
      })
      yield* reply.body.items
      next = reply.body.continue
    } while (next !== undefined && next !== '')
  }

  return { call, pages, close: () => agent.close() }
}

async function send<T>(attempt: () => Promise<T>, connection: ApiConnection): Promise<T> {
  try {
    return await attempt()
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new IsthmusError('unavailable', `${connection.server} does not answer: ${why}`, { cause })
  }
}

function parse<T>(text: string): T {
  if (text === '') return undefined as T
  try {
    return JSON.parse(text) as T
  } catch (cause) {
    throw new IsthmusError(
      'bad_gateway',
      'The answer is not JSON: is this the operator listener of a gateway?',
      { cause },
    )
  }
}

/** The server's problem as the error it was there; whatever is no problem document keeps its status. */
function errorOf(status: number, text: string): IsthmusError {
  const problem = problemOf(text)
  const code = problem?.code
  if (code !== undefined && Object.hasOwn(errorRegistry, code)) {
    return new IsthmusError(code as ErrorCode, problem?.detail ?? `HTTP ${status}`, {
      causes: problem?.errors,
    })
  }
  const fallback =
    status === 401
      ? 'unauthenticated'
      : status === 403
        ? 'forbidden'
        : status === 404
          ? 'not_found'
          : 'bad_gateway'
  return new IsthmusError(fallback, `The server answered HTTP ${status}.`)
}

function problemOf(text: string): Problem | undefined {
  try {
    return JSON.parse(text) as Problem
  } catch {
    return undefined
  }
}
