import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { refuseUpgrade, StreamError } from '../../protocol/streams/index.ts'
import type { PodUpgradeRequest } from '../ports.ts'
import { joinSockets } from './join.ts'
import { dialError, type KubeletClient, refusalOf } from './kubelet.ts'
import { streamTarget } from './target.ts'

/** What of the client's request is for the kubelet; its credentials are not. */
function upgradeHeaders(request: IncomingMessage): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = { connection: 'Upgrade' }
  for (const [name, value] of Object.entries(request.headers)) {
    const wanted =
      name === 'upgrade' || name === 'x-stream-protocol-version' || name.startsWith('sec-websocket-')
    if (wanted && value !== undefined) headers[name] = value
  }
  const offered = String(headers['sec-websocket-protocol'] ?? '')
  if (offered) {
    const protocols = offered.split(',').map((each) => each.trim())
    headers['sec-websocket-protocol'] = protocols
      .filter((each) => !each.startsWith('base64url.bearer.authorization.k8s.io.'))
      .join(', ')
  }
  return headers
}

/** The kubelet's 101 as it came, for the client. */
function answerOf(response: IncomingMessage): string {
  const lines = ['HTTP/1.1 101 Switching Protocols']
  for (let index = 0; index + 1 < response.rawHeaders.length; index += 2) {
    lines.push(`${response.rawHeaders[index]}: ${response.rawHeaders[index + 1]}`)
  }
  return `${lines.join('\r\n')}\r\n\r\n`
}

/**
 * Hands an upgrade on as it is, SPDY or WebSocket, and the bytes behind it; a refusal too. Resolves when it is over.
 * @throws IsthmusError, before anything is written, when the kubelet can not be reached.
 */
export async function passThrough(client: KubeletClient, request: PodUpgradeRequest): Promise<void> {
  const { request: req, socket, head, node } = request
  const method = req.method ?? 'GET'
  const sent = client.request(node!, { method, ...streamTarget(request), headers: upgradeHeaders(req) })
  const gone = () => sent.destroy()
  socket.once('close', gone)
  const upstream = await new Promise<{ response: IncomingMessage; socket?: Duplex; head?: Buffer }>(
    (resolve, reject) => {
      sent.once('upgrade', (response, socket, head) => resolve({ response, socket, head }))
      sent.once('response', (response) => resolve({ response }))
      sent.once('error', (cause) =>
        reject(socket.destroyed ? new StreamError('gone', 'the client left') : dialError(cause)),
      )
      sent.end()
    },
  ).finally(() => socket.off('close', gone))
  if (!upstream.socket) {
    const error = await refusalOf(upstream.response)
    // an API server hands on what the kubelet answered, status and text
    refuseUpgrade(socket, upstream.response.statusCode ?? 500, error.message)
    return
  }
  const far = upstream.socket
  if (upstream.head?.length) far.unshift(upstream.head)
  if (head.length > 0) socket.unshift(head)
  socket.write(answerOf(upstream.response))
  await joinSockets(socket, far)
}
