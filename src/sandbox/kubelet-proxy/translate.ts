import {
  acceptPortForward,
  acceptRemoteCommand,
  awaitSpdyUpgrade,
  dialSpdyRemoteCommand,
  failureStatus,
  PORT_FORWARD_PROTOCOL,
  pumpRemoteCommand,
  spdyCommandProtocols,
  spdyUpgradeHeaders,
  UpgradeRefusedError,
} from '../../protocol/streams/index.ts'
import type { PodUpgradeRequest } from '../ports.ts'
import { joinSockets } from './join.ts'
import { dialError, type KubeletClient } from './kubelet.ts'
import { streamTarget } from './target.ts'

function dialSpdy(client: KubeletClient, request: PodUpgradeRequest, protocols: string[]) {
  const headers = spdyUpgradeHeaders(protocols)
  return awaitSpdyUpgrade(
    client.request(request.node!, { method: 'POST', ...streamTarget(request), headers }),
  )
}

/**
 * A client's WebSocket v5 as SPDY towards the kubelet (apiserver's StreamTranslatorHandler): the client is answered
 * first, and what the kubelet refuses goes to its error channel.
 */
export async function translateCommand(client: KubeletClient, request: PodUpgradeRequest): Promise<void> {
  const { request: req, socket, head, stdin, stdout, stderr, tty } = request
  const streams = { stdin, stdout, stderr, tty }
  const near = await acceptRemoteCommand({ req, socket, head, streams })
  try {
    const upgraded = await dialSpdy(client, request, [...spdyCommandProtocols.keys()])
    const far = await dialSpdyRemoteCommand({ ...upgraded, streams })
    await pumpRemoteCommand(near, far)
  } catch (error) {
    const text =
      error instanceof UpgradeRefusedError
        ? `unable to upgrade connection: ${error.body.trim()}`
        : `error sending request: ${(error as Error).message}`
    await near.finish(failureStatus(`Internal error occurred: ${text}`))
  }
}

/**
 * A client's port-forward tunnel (SPDY in WebSocket messages) as SPDY towards the kubelet (apiserver's TunnelingHandler).
 * @throws IsthmusError, before anything is written, when the kubelet does not take it.
 */
export async function translateForward(client: KubeletClient, request: PodUpgradeRequest): Promise<void> {
  const { request: req, socket, head } = request
  const upgraded = await dialSpdy(client, request, [PORT_FORWARD_PROTOCOL]).catch((cause: Error) => {
    throw dialError(cause instanceof UpgradeRefusedError ? new Error(cause.body.trim(), { cause }) : cause)
  })
  try {
    const { tunnel } = await acceptPortForward({ req, socket, head })
    await joinSockets(tunnel, upgraded.socket)
  } finally {
    upgraded.socket.destroy()
  }
}
