import { once } from 'node:events'
import type { FastifyReply } from 'fastify'

/** Writes an answer piece by piece; each write waits while the client does not read (design.md §5). */
export interface PieceWriter {
  /** Sends status and headers at once, without a body yet. */
  start(headers: Record<string, string>): void
  /** @throws the signal's reason when the client has gone or was cut off. */
  write(piece: string | Uint8Array): Promise<void>
  /** The last piece for one that is being cut off: sent without waiting for it to be read. */
  last(piece: string): void
  end(): void
  /** Ends it so that the client sees that something is missing. */
  destroy(): void
  readonly started: boolean
}

export function createPieceWriter(reply: FastifyReply, signal: AbortSignal): PieceWriter {
  const response = reply.raw
  return {
    start(headers) {
      // What the hooks have set, the request's id above all, belongs to a streamed answer as well.
      const set = reply.getHeaders() as Record<string, string>
      response.writeHead(200, { ...set, 'cache-control': 'no-cache, private', ...headers })
      response.flushHeaders()
    },
    async write(piece) {
      signal.throwIfAborted()
      if (response.write(piece)) return
      await once(response, 'drain', { signal })
    },
    last: (piece) => response.end(piece),
    end: () => response.end(),
    destroy: () => response.destroy(),
    get started() {
      return response.headersSent
    },
  }
}

/** How long one turn of work may hold the event loop, in milliseconds (design.md §5 allows 20). */
const TURN_MS = 8

/** Gives the event loop a turn whenever the work since the last one took too long. */
export function createYielder(elapsed: () => number): () => Promise<void> | undefined {
  let since = elapsed()
  return () => {
    if (elapsed() - since < TURN_MS) return undefined
    return new Promise((resolve) =>
      setImmediate(() => {
        since = elapsed()
        resolve()
      }),
    )
  }
}
