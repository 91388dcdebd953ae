import type { IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'
import type { PodLogRequest } from '../ports.ts'
import { dialError, type KubeletClient, refusalOf } from './kubelet.ts'

/** The kubelet's names of log options (registry/core/pod LogLocation). */
function logQuery(request: PodLogRequest): URLSearchParams {
  const query = new URLSearchParams()
  if (request.follow) query.set('follow', 'true')
  if (request.previous) query.set('previous', 'true')
  if (request.timestamps) query.set('timestamps', 'true')
  for (const name of ['sinceSeconds', 'sinceTime', 'tailLines', 'limitBytes'] as const) {
    const value = request[name]
    if (value !== undefined) query.set(name, String(value))
  }
  if (request.stream && request.stream !== 'All') query.set('stream', request.stream)
  return query
}

/** A container's log from its node's kubelet. @throws IsthmusError as an API server answers. */
export async function kubeletLogs(client: KubeletClient, request: PodLogRequest): Promise<Readable> {
  const { pod, node, container, signal } = request
  const path = ['containerLogs', pod.metadata?.namespace ?? '', pod.metadata?.name ?? '', container]
  const sent = client.request(node!, { method: 'GET', path, query: logQuery(request) })
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const stop = () => sent.destroy()
    signal.addEventListener('abort', stop, { once: true })
    sent.once('close', () => signal.removeEventListener('abort', stop))
    sent.once('response', resolve)
    sent.once('error', (cause) => reject(dialError(cause)))
    if (signal.aborted) stop()
    sent.end()
  })
  // after the headers the body's own error tells
  sent.on('error', () => {})
  if (response.statusCode !== 200) throw await refusalOf(response)
  return response
}
