import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { isKubeApiError } from '../../kube/index.ts'
import { IsthmusError } from '../../protocol/errors/index.ts'
import {
  acceptPortForward,
  acceptRemoteCommand,
  type CommandStreams,
  dialRemoteCommand,
  failureStatus,
  PORT_FORWARD_TUNNEL_PROTOCOL,
  pumpRemoteCommand,
  StreamError,
  webSocketDuplex,
} from '../../protocol/streams/index.ts'
import type { GatewayClient } from '../gateway/client.ts'
import type { Target } from './target.ts'

/** The triple of the HTTP server's `upgrade` event. */
export interface Upgrade {
  req: IncomingMessage
  socket: Duplex
  head: Buffer
}

/** As the kubelet's streamingConnectionIdleTimeout. */
const IDLE_MS = 4 * 3600_000
const COMMAND_PROTOCOLS = ['v5.channel.k8s.io']

/** Which streams the query asks for, by the kubelet's names: `input`, `output`, `error`, `tty` = `1`. @throws IsthmusError bad_request */
export function parseCommandStreams(query: URLSearchParams): CommandStreams {
  const on = (name: string) => query.get(name) === '1' || query.get(name) === 'true'
  const streams = { stdin: on('input'), stdout: on('output'), stderr: on('error'), tty: on('tty') }
  if (!streams.stdin && !streams.stdout && !streams.stderr) {
    throw new IsthmusError('bad_request', 'you must specify at least 1 of stdin, stdout, stderr')
  }
  return streams
}

export interface CommandRequest {
  verb: 'exec' | 'attach'
  target: Target
  command: string[]
  streams: CommandStreams
}

function statusOf(error: unknown) {
  if (isKubeApiError(error)) return error.status
  return failureStatus(error instanceof Error ? error.message : String(error))
}

/**
 * Exec and attach: the client's leg is accepted first (the API server waits for it), then a session of the
 * gateway is opened; what the gateway says against it is the client's status.
 */
export async function serveCommand(
  gateway: GatewayClient,
  upgrade: Upgrade,
  request: CommandRequest,
): Promise<void> {
  const { verb, target, command, streams } = request
  const client = await acceptRemoteCommand({ ...upgrade, streams, idleTimeoutMs: IDLE_MS })
  const { stdin, stdout, stderr, tty } = streams
  try {
    const server = await dialRemoteCommand({
      dial: () =>
        gateway.openSession(
          {
            verb,
            namespace: target.namespace,
            pod: target.pod,
            container: target.container,
            ...(verb === 'exec' ? { command } : {}),
            stdin,
            stdout,
            stderr: stderr && !tty,
            tty,
          },
          { protocols: COMMAND_PROTOCOLS, signal: client.closed },
        ),
      streams,
      idleTimeoutMs: IDLE_MS,
    })
    await pumpRemoteCommand(client, server)
  } catch (error) {
    await client.finish(statusOf(error))
  }
}

/** Port-forward: a tunnel of SPDY bytes from end to end; nothing here understands them (kubernetes-face.md 22). */
export async function servePortForward(
  gateway: GatewayClient,
  upgrade: Upgrade,
  target: Omit<Target, 'container'>,
): Promise<void> {
  const { namespace, pod } = target
  // The other way round than a command: a tunnel has no place for a status, so the upgrade itself is refused.
  const ws = await gateway.openSession(
    { verb: 'portforward', namespace, pod },
    { protocols: [PORT_FORWARD_TUNNEL_PROTOCOL] },
  )
  const upstream = webSocketDuplex(ws, { idleTimeoutMs: IDLE_MS })
  try {
    const { tunnel } = await acceptPortForward({ ...upgrade, idleTimeoutMs: IDLE_MS })
    // Either side's end is the end of all: SPDY has its own goodbye inside, a broken leg has none.
    const over = [pipeline(tunnel, upstream), pipeline(upstream, tunnel)]
    await Promise.race(over.map((direction) => direction.catch(() => {})))
    tunnel.destroy()
  } finally {
    upstream.destroy(new StreamError('ended', 'the port-forward is over'))
  }
}
