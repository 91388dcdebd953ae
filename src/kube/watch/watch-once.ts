import { isStatus, readBody, toKubeApiError } from '../client/answer.ts'
import { KubeApiError, type KubeClient, KubeUnreachableError, type Query } from '../client/types.ts'
import { splitLines } from './lines.ts'

/** What is read of any object; the rest is the caller's to know. */
export interface KubeObject {
  kind?: string
  apiVersion?: string
  metadata?: {
    name?: string
    namespace?: string
    uid?: string
    resourceVersion?: string
    annotations?: Record<string, string>
  }
}

export type WatchEventType = 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK'

/** One event. ERROR events are not among them: they are thrown. */
export interface WatchEvent<T> {
  type: WatchEventType
  object: T
  /** The line as it came, without its newline. */
  raw: Buffer
}

export interface WatchOptions {
  path: readonly string[]
  /** `watch` is added; resourceVersion, selectors and allowWatchBookmarks are the caller's. */
  query?: Query
  /** As for a request; `accept` for a Table. */
  headers?: Record<string, string>
  signal?: AbortSignal
  /** Until the answer's headers, in milliseconds. */
  timeoutMs?: number
  /** Ends with a WatchIdleError when nothing has come for so long, in milliseconds; never when absent. */
  idleTimeoutMs?: number
  /** The server has accepted: from here on events come. */
  onOpen?: () => void
  /** The longest event, in bytes; 16 MiB by default. */
  maxEventBytes?: number
}

/** Nothing came for `idleTimeoutMs`: the connection may be dead, nothing else is known to be wrong. */
export class WatchIdleError extends KubeUnreachableError {
  constructor(idleTimeoutMs: number) {
    super(`the watch was quiet for ${idleTimeoutMs} ms`, undefined)
    this.name = 'WatchIdleError'
  }
}

const types = new Set(['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK'])
const ERROR_BODY_MAX = 1024 * 1024

/**
 * One watch, until the server ends it (the iteration ends) or something fails (it throws). Nothing is resumed
 * and nothing swallowed. Leaving the loop closes the connection.
 * @throws KubeApiError for a refusal and for an ERROR event (410 has `code` 410), KubeUnreachableError for a
 *   reset, half a line or a line that is no event, WatchIdleError, the signal's reason
 */
export async function* watchOnce<T extends KubeObject = KubeObject>(
  client: Pick<KubeClient, 'send'>,
  options: WatchOptions,
): AsyncGenerator<WatchEvent<T>, void, undefined> {
  const { path, headers, signal, timeoutMs, idleTimeoutMs } = options
  const query = { ...options.query, watch: 'true' }
  const answer = await client.send({ method: 'GET', path, query, headers, signal, timeoutMs })
  const body = answer.body
  if (answer.status !== 200) {
    const text = await readBody(body, { maxBytes: ERROR_BODY_MAX, idleMs: timeoutMs ?? 30_000 })
    throw toKubeApiError(answer.status, answer.headers, text)
  }
  options.onOpen?.()
  let reading = true
  // While the reader is busy with an event, the quiet is its own and not the server's.
  const giveUp = () => (reading ? body.destroy(new WatchIdleError(idleTimeoutMs ?? 0)) : idle?.refresh())
  const idle = idleTimeoutMs === undefined ? undefined : setTimeout(giveUp, idleTimeoutMs)
  try {
    for await (const raw of splitLines(body, options.maxEventBytes ?? 16 * 1024 * 1024)) {
      reading = false
      yield parseEvent<T>(raw)
      reading = true
      idle?.refresh()
    }
  } catch (error) {
    if (signal?.aborted) throw signal.reason
    if (error instanceof KubeApiError || error instanceof KubeUnreachableError) throw error
    throw new KubeUnreachableError('the watch broke off', error)
  } finally {
    clearTimeout(idle)
    body.on('error', () => {}) // destroying an unfinished body emits one; whoever listened has been told
    body.destroy()
  }
}

function parseEvent<T>(raw: Buffer): WatchEvent<T> {
  let event: { type?: unknown; object?: unknown }
  try {
    event = JSON.parse(raw.toString('utf8'))
  } catch (error) {
    throw new KubeUnreachableError('the watch sent a line that is not JSON', error)
  }
  if (event?.type === 'ERROR' && isStatus(event.object)) {
    const code = event.object.code ?? 500
    throw new KubeApiError(code, event.object, event.object.details?.retryAfterSeconds)
  }
  if (typeof event?.type !== 'string' || !types.has(event.type) || !isObject(event.object)) {
    throw new KubeUnreachableError('the watch sent a line that is no event', undefined)
  }
  return { type: event.type as WatchEventType, object: event.object as T, raw }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
