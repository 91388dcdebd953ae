import type { Readable, Writable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { failureStatus, type V1StatusLike } from './exit-status.ts'
import type { RemoteCommandClient, RemoteCommandServer } from './remote-command.ts'
import { asError, StreamError } from './stream-error.ts'

export interface PumpOptions {
  /** Called for every chunk: `in` is the client's stdin, `out` stdout and stderr. For counting and the idle clock. */
  onBytes?(direction: 'in' | 'out', bytes: number): void
  /** Ends the session: both legs are aborted with its reason (StreamError carries the close code). */
  signal?: AbortSignal
}

/**
 * Joins the two legs of an exec or attach until it is over, and returns the Status that the client was told.
 * Back-pressure goes through in both directions, the end of stdin goes through alone, and a client that has gone
 * closes the other leg at once. Holds no bytes of its own. Never rejects.
 */
export async function pumpRemoteCommand(
  client: RemoteCommandClient,
  server: RemoteCommandServer,
  options: PumpOptions = {},
): Promise<V1StatusLike> {
  const { onBytes, signal } = options
  const stop = () => {
    const reason = asError(signal?.reason)
    client.abort(reason)
    server.abort(reason)
  }
  const clientGone = () => server.abort(asError(client.closed.reason))
  client.closed.addEventListener('abort', clientGone, { once: true })
  signal?.addEventListener('abort', stop, { once: true })
  try {
    if (signal?.aborted) stop()
    if (client.closed.aborted) clientGone()
    client.onResize((size) => server.resize(size))
    pumpStdin(client.stdin, server.stdin, (bytes) => onBytes?.('in', bytes))
    const output = [
      pumpOutput(server.stdout, client.stdout, (bytes) => onBytes?.('out', bytes)),
      pumpOutput(server.stderr, client.stderr, (bytes) => onBytes?.('out', bytes)),
    ]
    const status = await server.status
    await Promise.all(output)
    if (client.closed.aborted) return clientGoneStatus(status, client.closed.reason)
    await client.finish(status)
    return status
  } finally {
    signal?.removeEventListener('abort', stop)
    client.closed.removeEventListener('abort', clientGone)
    server.abort(new StreamError('ended', 'the session is over'))
  }
}

function pumpStdin(from: Readable | null, to: Writable | null, count: (bytes: number) => void): void {
  if (!from) {
    to?.end()
    return
  }
  if (!to) {
    from.resume() // nobody wants it: read on, so that resizes and pongs behind it arrive
    return
  }
  from.on('data', (chunk: Buffer) => count(chunk.length))
  from.pipe(to)
  to.on('close', () => {
    from.unpipe(to)
    from.resume()
  })
}

async function pumpOutput(
  from: Readable | null,
  to: Writable | null,
  count: (bytes: number) => void,
): Promise<void> {
  if (!from) return
  if (!to) {
    from.resume()
    return
  }
  from.on('data', (chunk: Buffer) => count(chunk.length))
  from.pipe(to)
  // Either end may be destroyed with its leg, which `closed` and `status` tell; here it only means that it is over.
  await Promise.race([finished(from, { writable: false }), finished(to, { readable: false })]).catch(
    () => undefined,
  )
  if (to.destroyed) from.unpipe(to).resume()
}

/** What is returned, for the record, when nobody was left to be told. */
function clientGoneStatus(status: V1StatusLike, reason: unknown): V1StatusLike {
  if (status.status === 'Success') return status
  return reason instanceof StreamError ? failureStatus(reason.message) : status
}
