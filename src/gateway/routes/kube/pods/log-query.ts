import { IsthmusError } from '../../../../protocol/errors/index.ts'
import { flag, integer, single } from '../query.ts'

/** PodLogOptions that are served; `stream` came with Kubernetes 1.32. */
const known = new Set([
  'container',
  'follow',
  'limitBytes',
  'pretty',
  'previous',
  'sinceSeconds',
  'sinceTime',
  'stream',
  'tailLines',
  'timestamps',
])

const rfc3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$/
/** Ten years: what is older than any pod. */
const MAX_SINCE = 315_360_000

/**
 * Reads PodLogOptions from a query: an unknown parameter is refused, numbers are bounded (C5:
 * `insecureSkipTLSVerifyBackend` passed on would switch off the data plane's own checks).
 * @throws IsthmusError unknown_parameter, bad_request
 */
export function readLogQuery(query: URLSearchParams): Record<string, string> {
  for (const key of query.keys()) {
    if (!known.has(key))
      throw new IsthmusError(
        'unknown_parameter',
        `unknown query parameter ${JSON.stringify(key.slice(0, 64))}`,
      )
  }
  const options: Record<string, string> = {}
  for (const key of ['follow', 'previous', 'timestamps']) if (flag(query, key)) options[key] = 'true'
  const numbers = { tailLines: undefined, sinceSeconds: MAX_SINCE, limitBytes: undefined }
  for (const [key, max] of Object.entries(numbers)) {
    const value = integer(query, key, max)
    if (value !== undefined) options[key] = String(value)
  }
  if (options.sinceSeconds === '0' || options.limitBytes === '0') {
    throw new IsthmusError('bad_request', 'sinceSeconds and limitBytes must be greater than 0')
  }
  const sinceTime = single(query, 'sinceTime')
  if (sinceTime !== undefined) {
    if (!rfc3339.test(sinceTime))
      throw new IsthmusError('bad_request', 'sinceTime: Invalid value: must be RFC 3339')
    if (options.sinceSeconds !== undefined) {
      throw new IsthmusError('bad_request', 'at most one of `sinceTime` or `sinceSeconds` may be specified')
    }
    options.sinceTime = sinceTime
  }
  const stream = single(query, 'stream')
  if (stream !== undefined) {
    if (!/^(All|Stdout|Stderr)$/.test(stream))
      throw new IsthmusError('bad_request', 'stream: Unsupported value')
    options.stream = stream
  }
  const container = single(query, 'container')
  if (container !== undefined) options.container = container
  return options
}
