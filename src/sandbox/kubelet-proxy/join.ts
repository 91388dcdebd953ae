import type { Duplex } from 'node:stream'

/** How long one end may take to close after the other has said goodbye. */
const LINGER_MS = 5_000

/**
 * Joins two connections until both are closed. An end goes through, behind what came before it; a connection that
 * breaks off takes the other with it. Never rejects.
 */
export function joinSockets(a: Duplex, b: Duplex): Promise<void> {
  const follow = (from: Duplex, to: Duplex) =>
    new Promise<void>((resolve) => {
      from.on('error', () => from.destroy())
      from.once('close', () => {
        if (from.readableEnded) {
          to.end()
          setTimeout(() => to.destroy(), LINGER_MS).unref()
        } else to.destroy()
        resolve()
      })
      from.pipe(to)
    })
  return Promise.all([follow(a, b), follow(b, a)]).then(() => {})
}
