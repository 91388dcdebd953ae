import { request as httpsRequest } from 'node:https'
import type { Any } from './api-under-test.ts'
import { eventually } from './eventually.ts'
import type { Test } from './tap.ts'
import type { HttpTarget } from './world/http.ts'

export interface WatchEvent {
  type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR'
  object: Any
}

/** A watch that is open. */
export interface WatchStream {
  /** All events so far. */
  readonly events: readonly WatchEvent[]
  readonly status: number
  /** Whether the server has ended it. */
  readonly ended: boolean
  /** The first event, among all, that fits. */
  next(what: string, fits: (event: WatchEvent) => boolean): Promise<WatchEvent>
  close(): void
}

/** Opens a watch and waits for its headers; it ends with the test. */
export async function openWatch(
  t: Test,
  target: HttpTarget,
  path: string,
  headers: Record<string, string> = {},
): Promise<WatchStream> {
  const { ca, cert, key, token, server } = target
  const events: WatchEvent[] = []
  let status = 0
  let ended = false
  let rest = ''
  const sent = httpsRequest(`${server}${path}`, {
    ca,
    cert,
    key,
    agent: false,
    headers: { ...(token ? { authorization: `Bearer ${token}` } : {}), ...headers },
  })
  t.teardown(() => sent.destroy())
  await new Promise<void>((resolve, reject) => {
    sent.once('error', reject)
    sent.once('response', (reply) => {
      status = reply.statusCode ?? 0
      reply.setEncoding('utf8')
      reply.on('data', (chunk: string) => {
        const lines = (rest + chunk).split('\n')
        rest = lines.pop() ?? ''
        for (const line of lines) events.push(JSON.parse(line) as WatchEvent)
      })
      reply.on('error', () => {
        ended = true
      })
      reply.on('end', () => {
        ended = true
      })
      resolve()
    })
    sent.end()
  })
  // After the headers a cut is what some tests are about.
  sent.on('error', () => {
    ended = true
  })
  return {
    events,
    get status() {
      return status
    },
    get ended() {
      return ended
    },
    next: (what, fits) => eventually(what, () => events.find(fits)),
    close: () => sent.destroy(),
  }
}
