import type { ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { readBody, toKubeApiError } from '../../kube/client/answer.ts'
import { isKubeApiError } from '../../kube/index.ts'
import { LOG_STREAM_PROTOCOL } from '../../protocol/schemas/agent.ts'
import { webSocketDuplex } from '../../protocol/streams/index.ts'
import type { GatewayClient } from '../gateway/client.ts'
import type { LogOptions } from './log-options.ts'
import type { Target } from './target.ts'

/** A followed log may be quiet for as long as a kubelet's streams may. */
const IDLE_MS = 4 * 3600_000

async function open(
  gateway: GatewayClient,
  target: Target,
  options: LogOptions,
  signal: AbortSignal,
): Promise<Readable> {
  const { namespace, pod, container } = target
  if (options['follow']) {
    const ws = await gateway.openSession(
      { verb: 'log', namespace, pod, container, logOptions: options },
      { protocols: [LOG_STREAM_PROTOCOL], signal },
    )
    const stream = webSocketDuplex(ws, { idleTimeoutMs: IDLE_MS })
    signal.addEventListener('abort', () => stream.destroy(), { once: true })
    return stream
  }
  const answer = await gateway.kube.send({
    method: 'GET',
    path: ['api', 'v1', 'namespaces', namespace, 'pods', pod, 'log'],
    query: { ...options, container },
    signal,
  })
  if (answer.status === 200) return answer.body
  const body = await readBody(answer.body, { maxBytes: 1 << 20, idleMs: 10_000 })
  throw toKubeApiError(answer.status, answer.headers, body)
}

/** Serves `/containerLogs`: headers at once, each chunk as it comes, the upstream let go when the client goes. */
export async function serveContainerLogs(
  gateway: GatewayClient,
  target: Target,
  options: LogOptions,
  res: ServerResponse,
): Promise<void> {
  const gone = new AbortController()
  res.on('close', () => gone.abort(new Error('the client has gone')))
  const source = await open(gateway, target, options, gone.signal)
  res.writeHead(200, { 'content-type': 'text/plain' })
  res.flushHeaders()
  await pipeline(source, res).catch((error) => {
    // Half a log is told by a connection that breaks, not by an end that looks like the log's own.
    if (!gone.signal.aborted && !isKubeApiError(error)) res.destroy()
  })
}
