import { once } from 'node:events'
import type { RequestListener, Server } from 'node:http'
import { createServer, type ServerOptions } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { CertificatePair } from './certificates.ts'

/** A server on loopback, on a port of the system's choice. */
export interface TestServer {
  server: Server
  /** `https://127.0.0.1:port` */
  url: string
  /** Open connections, now. */
  sockets: Set<Socket>
  /** Ends every connection and the server. */
  close(): Promise<void>
}

/** Starts a TLS server that answers with `handler`. */
export async function startHttpsServer(
  pair: CertificatePair,
  handler: RequestListener,
  options: ServerOptions = {},
): Promise<TestServer> {
  const server = createServer({ ...pair, ...options }, handler)
  const sockets = new Set<Socket>()
  server.on('secureConnection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => {}) // resets are what these tests are about
    socket.on('close', () => sockets.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    server,
    url: `https://127.0.0.1:${port}`,
    sockets,
    async close() {
      for (const socket of sockets) socket.destroy()
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}
