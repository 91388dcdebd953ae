import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'

/** The client's side of a stream before its upgrade: the triple of the HTTP server's `upgrade` event. */
export interface ClientLeg {
  req: IncomingMessage
  socket: Duplex
  head: Buffer
}
