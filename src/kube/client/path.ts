import { IsthmusError } from '../../protocol/errors/index.ts'
import type { Query } from './types.ts'

const SEGMENT_MAX = 1024
// A slash, a backslash, a percent sign, `?`, `#`, a space or a control character has no place in any Kubernetes name.
const forbidden = /[/\\%?#\u0000-\u0020\u007f-\u009f\ud800-\udfff]/

function checkSegment(segment: unknown): string {
  if (
    typeof segment !== 'string' ||
    segment === '' ||
    segment === '.' ||
    segment === '..' ||
    segment.length > SEGMENT_MAX ||
    forbidden.test(segment)
  ) {
    const shown = typeof segment === 'string' ? JSON.stringify(segment.slice(0, 64)) : typeof segment
    throw new IsthmusError('bad_request', `${shown} can not be part of a request's path`)
  }
  return encodeURIComponent(segment)
}

/**
 * The path of a request under `prefix`, each segment checked and encoded, and then asserted: what a URL parser
 * makes of it is exactly these segments, no more, no fewer and none elsewhere.
 * @throws IsthmusError bad_request
 */
export function buildPath(prefix: string, segments: readonly string[]): string {
  const path = `${prefix}/${segments.map(checkSegment).join('/')}`
  if (segments.length === 0 || new URL(path, 'https://egress.invalid').pathname !== path) {
    throw new IsthmusError('bad_request', 'The request leads to another path than it names')
  }
  return path
}

/** The query with its `?`, or nothing: undefined values are left out, arrays repeat their key. */
export function buildQuery(query: Query | undefined): string {
  if (!query) return ''
  const out = new URLSearchParams()
  for (const [key, value] of Object.entries(query)) {
    if (value === undefined) continue
    if (typeof value === 'object') for (const item of value) out.append(key, item)
    else out.append(key, String(value))
  }
  const text = out.toString()
  return text === '' ? '' : `?${text}`
}
