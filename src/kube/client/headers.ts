import { IsthmusError } from '../../protocol/errors/index.ts'
import type { KubeTarget } from './types.ts'

/** What a caller may set. Everything else, Impersonate-* and X-Remote-* above all, never goes out (A3, A4). */
const allowed = new Set([
  'accept',
  'content-type',
  'user-agent',
  // The agent's, towards the gateway alone: the writer's epoch and the long poll of /v1/self.
  'isthmus-writer-epoch',
  'if-none-match',
])
// Visible ASCII, space and tab: what an HTTP header may hold without folding or splitting.
const value = /^[\t\x20-\x7e]{0,4096}$/

/** The headers of one request; the caller's are checked, the token is asked for anew. @throws IsthmusError bad_request */
export async function buildHeaders(
  target: KubeTarget,
  own: Record<string, string> | undefined,
  userAgent: string,
): Promise<Record<string, string>> {
  const headers: Record<string, string> = {
    accept: 'application/json',
    'user-agent': userAgent,
    // No compression: an answer is passed on as it comes, a watch and a log are flushed line by line (rule 3).
    'accept-encoding': 'identity',
  }
  for (const [name, text] of Object.entries(own ?? {})) {
    const key = name.toLowerCase()
    if (!allowed.has(key)) throw new IsthmusError('bad_request', `The header ${key} is not let through`)
    if (!value.test(text)) throw new IsthmusError('bad_request', `The header ${key} is malformed`)
    headers[key] = text
  }
  const token = typeof target.token === 'function' ? await target.token() : target.token
  if (token !== undefined) {
    if (!/^[\x21-\x7e]+$/.test(token)) throw new IsthmusError('bad_request', 'The bearer token is malformed')
    headers['authorization'] = `Bearer ${token}`
  }
  return headers
}

/** The body's bytes and, for one made of an object, its content type. */
export function encodeBody(body: unknown): { bytes?: Uint8Array | string; contentType?: string } {
  if (body === undefined || body === null) return {}
  if (typeof body === 'string' || body instanceof Uint8Array) return { bytes: body }
  return { bytes: JSON.stringify(body), contentType: 'application/json' }
}
