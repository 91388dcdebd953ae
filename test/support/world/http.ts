import { readFileSync } from 'node:fs'
import { request as httpsRequest } from 'node:https'

/** One plain HTTPS request, with no client library between. */
export interface HttpRequest {
  method?: string
  /** Path and query. */
  path: string
  /** Sent as JSON; a string goes as it is. */
  body?: unknown
  headers?: Record<string, string>
  timeoutMs?: number
}

export interface HttpReply {
  status: number
  headers: Record<string, string | string[] | undefined>
  text: string
  /** The parsed body. @throws where it is not JSON */
  json<T>(): T
}

/** Whom to ask, and as whom. */
export interface HttpTarget {
  /** `https://host:port` */
  server: string
  /** PEM. */
  ca: string
  token?: string
  cert?: string
  key?: string
}

const TIMEOUT_MS = 30_000

/** Sends and reads the whole answer, whatever its status. */
export function http(target: HttpTarget, request: HttpRequest): Promise<HttpReply> {
  const { method = 'GET', path, body, headers = {}, timeoutMs = TIMEOUT_MS } = request
  const content = body === undefined || typeof body === 'string' ? body : JSON.stringify(body)
  const { ca, cert, key, token } = target
  return new Promise((resolve, reject) => {
    const sent = httpsRequest(`${target.server}${path}`, {
      method,
      ca,
      cert,
      key,
      agent: false,
      headers: {
        accept: 'application/json',
        ...(content === undefined
          ? {}
          : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(content) }),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...headers,
      },
    })
    sent.setTimeout(timeoutMs, () =>
      sent.destroy(new Error(`no answer in ${timeoutMs} ms: ${method} ${path}`)),
    )
    sent.once('error', reject)
    sent.once('response', (reply) => {
      const chunks: Buffer[] = []
      reply.on('data', (chunk: Buffer) => chunks.push(chunk))
      reply.once('error', reject)
      reply.once('end', () => {
        const text = Buffer.concat(chunks).toString()
        resolve({
          status: reply.statusCode ?? 0,
          headers: reply.headers,
          text,
          json: <T>() => JSON.parse(text) as T,
        })
      })
    })
    sent.end(content)
  })
}

/** Like `http`, but an answer outside 2xx is an error that tells the body; gives the parsed body. */
export async function json<T>(target: HttpTarget, request: HttpRequest): Promise<T> {
  const reply = await http(target, request)
  if (reply.status < 200 || reply.status > 299) {
    throw new Error(`${request.method ?? 'GET'} ${request.path}: ${reply.status} ${reply.text.slice(0, 500)}`)
  }
  return reply.text === '' ? (undefined as T) : reply.json<T>()
}

/** A line-oriented stream, such as a watch or a followed log, read until `enough` says so. */
export function readLines(
  target: HttpTarget,
  path: string,
  enough: (lines: readonly string[]) => boolean,
  timeoutMs = TIMEOUT_MS,
): Promise<string[]> {
  const { ca, cert, key, token } = target
  return new Promise((resolve, reject) => {
    const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` }
    const sent = httpsRequest(`${target.server}${path}`, { ca, cert, key, headers, agent: false })
    const late = setTimeout(() => {
      reject(new Error(`not enough lines in ${timeoutMs} ms: ${path}: ${lines.length} lines, then ${rest}`))
      sent.destroy()
    }, timeoutMs)
    const lines: string[] = []
    let rest = ''
    sent.once('error', (error) => {
      clearTimeout(late)
      reject(error)
    })
    sent.once('response', (reply) => {
      reply.on('data', (chunk: Buffer) => {
        const parts = (rest + chunk.toString()).split('\n')
        rest = parts.pop() ?? ''
        lines.push(...parts)
        if (enough(lines)) finish()
      })
      // However it ends: in order, or cut off.
      reply.once('close', finish)
      reply.once('error', () => {})
    })
    function finish() {
      clearTimeout(late)
      sent.destroy()
      resolve(lines)
    }
    sent.end()
  })
}

/** A target from a kubeconfig that holds its data inline, read without a library. */
export function targetOfKubeconfig(path: string): HttpTarget {
  const text = readFileSync(path, 'utf8')
  const field = (name: string) => new RegExp(`["']?${name}["']?:\\s*["']?([^"'\\s,}]+)`).exec(text)?.[1]
  const decoded = (name: string) => {
    const value = field(name)
    return value === undefined ? undefined : Buffer.from(value, 'base64').toString()
  }
  return {
    server: field('server') ?? '',
    ca: decoded('certificate-authority-data') ?? '',
    token: field('token'),
    cert: decoded('client-certificate-data'),
    key: decoded('client-key-data'),
  }
}
