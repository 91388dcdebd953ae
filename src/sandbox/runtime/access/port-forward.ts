import { connect } from 'node:net'
import type { Duplex } from 'node:stream'
import { acceptPortForward, createSpdyConnection, servePortForward } from '../../../protocol/streams/index.ts'
import type { PodUpgradeRequest } from '../../ports.ts'

/** Opens a connection to a port on this machine. @throws Error in a kubelet's words. */
function dial(port: number, host: string, namespace: string): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    // both directions end for themselves, as through a real tunnel
    const socket = connect({ host, port, allowHalfOpen: true })
    socket.once('connect', () => resolve(socket))
    socket.once('error', (cause) =>
      reject(
        new Error(
          `failed to connect to localhost:${port} inside namespace "${namespace}", IPv4: dial tcp4 ${host}:${port}: ${cause.message}`,
        ),
      ),
    )
  })
}

/**
 * Forwards a client's connections to ports of this machine, which is where a pod's processes listen. Resolves when the
 * client has gone. @throws StreamError as acceptPortForward does.
 */
export async function serveForward(request: PodUpgradeRequest, host: string): Promise<void> {
  const { request: req, socket, head, pod } = request
  const { tunnel } = await acceptPortForward({ req, socket, head })
  const namespace = pod.metadata?.namespace ?? ''
  const connection = createSpdyConnection({
    stream: tunnel,
    role: 'server',
    ...servePortForward({ connect: (port) => dial(port, host, namespace) }),
  })
  await new Promise<void>((resolve) => {
    if (connection.closed.aborted) resolve()
    else connection.closed.addEventListener('abort', () => resolve(), { once: true })
  })
}
