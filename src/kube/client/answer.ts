import type { Readable } from 'node:stream'
import type { Status } from '../../protocol/errors/index.ts'
import { type ApiResponse, KubeApiError, KubeUnreachableError } from './types.ts'

/** Reads a body whole, up to `maxBytes`, giving up when nothing has come for `idleMs`. */
export async function readBody(
  body: Readable,
  { maxBytes, idleMs }: { maxBytes: number; idleMs: number },
): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  let timer = setTimeout(() => giveUp(), idleMs)
  const giveUp = () => {
    body.destroy(new KubeUnreachableError(`the answer stopped for ${idleMs} ms`, undefined))
  }
  try {
    for await (const chunk of body) {
      clearTimeout(timer)
      timer = setTimeout(giveUp, idleMs)
      size += chunk.length
      if (size > maxBytes) {
        body.destroy()
        throw new KubeUnreachableError(`the answer is larger than ${maxBytes} bytes`, undefined)
      }
      chunks.push(chunk)
    }
  } catch (error) {
    if (error instanceof KubeUnreachableError) throw error
    throw new KubeUnreachableError('the answer ended before it was whole', error)
  } finally {
    clearTimeout(timer)
  }
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)
}

/** A Status with many causes fits; a page of HTML is cut off. */
const ERROR_BODY_MAX = 1024 * 1024

/**
 * Reads an answer whole and parses it.
 * @throws KubeApiError outside 2xx, KubeUnreachableError, the signal's reason
 */
export async function readJson<T>(
  answer: ApiResponse,
  { maxBytes, idleMs, signal }: { maxBytes: number; idleMs: number; signal?: AbortSignal },
): Promise<T> {
  const ok = answer.status >= 200 && answer.status < 300
  const limit = { maxBytes: ok ? maxBytes : ERROR_BODY_MAX, idleMs }
  const body = await readBody(answer.body, limit).catch((error) => {
    throw signal?.aborted ? signal.reason : error
  })
  if (!ok) throw toKubeApiError(answer.status, answer.headers, body)
  try {
    return JSON.parse(body.toString('utf8')) as T
  } catch (error) {
    throw new KubeUnreachableError('the answer is not JSON', error)
  }
}

/**
 * Refuses to see a redirect as an answer: followed, it would carry the credential elsewhere (CVE-2020-8559).
 * @throws KubeUnreachableError
 */
export function refuseRedirect({ status, body }: Pick<ApiResponse, 'status' | 'body'>): void {
  if (status < 300 || status >= 400 || status === 304) return
  body.on('error', () => {}).destroy() // what it said is of no use
  throw new KubeUnreachableError(`the server answered with a redirect (${status})`, undefined)
}

/** metav1.StatusReason by HTTP status, for answers that are no Status. */
const reasons: Record<number, string> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  405: 'MethodNotAllowed',
  406: 'NotAcceptable',
  409: 'Conflict',
  410: 'Expired',
  413: 'RequestEntityTooLarge',
  415: 'UnsupportedMediaType',
  422: 'Invalid',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
  504: 'Timeout',
}
const TEXT_MAX = 1024

/** A Status out of an error's body; one made of its text when it is none. */
export function toKubeApiError(
  code: number,
  headers: Record<string, string | string[] | undefined>,
  body: Buffer,
): KubeApiError {
  const text = body.toString('utf8')
  const status = parseStatus(text) ?? {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: text.slice(0, TEXT_MAX).trim() || `the API server answered ${code}`,
    reason: reasons[code],
    code,
  }
  return new KubeApiError(code, status, retryAfter(headers) ?? status.details?.retryAfterSeconds)
}

function parseStatus(text: string): Status | undefined {
  try {
    const value = JSON.parse(text)
    return isStatus(value) ? value : undefined
  } catch {
    return undefined // not JSON: a proxy's page, or Go's plain "404 page not found"
  }
}

/** Whether a parsed body is a metav1.Status. */
export function isStatus(value: unknown): value is Status {
  if (typeof value !== 'object' || value === null) return false
  const { kind, message, details, reason } = value as Record<string, unknown>
  const text = (field: unknown) => field === undefined || typeof field === 'string'
  return kind === 'Status' && text(message) && text(reason) && typeof (details ?? {}) === 'object'
}

function retryAfter(headers: Record<string, string | string[] | undefined>): number | undefined {
  const value = headers['retry-after']
  return typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : undefined
}
