import { text } from 'node:stream/consumers'
import type { V1Pod } from '@kubernetes/client-node'
import {
  createSpdyConnection,
  openPortForward,
  PORT_FORWARD_TUNNEL_PROTOCOL,
  webSocketDuplex,
} from '../../protocol/streams/index.ts'
import { NAMESPACE } from '../manifests.ts'
import type { Stage } from '../stage.ts'
import type { Step } from '../step.ts'
import { expect } from '../wait.ts'

const path = ['api', 'v1', 'namespaces', NAMESPACE, 'pods', 'web']

/** What the demo's pod answers. */
export interface Page {
  greeting: string
  secret: number
  from: string
}

/** Asks the pod for its page as `kubectl port-forward` and curl would. */
export async function fetchPage({ user }: Pick<Stage, 'user'>): Promise<Page> {
  const pod = await user.json<V1Pod>({ method: 'GET', path })
  const port = Number(pod.spec?.containers[0]?.env?.find(({ name }) => name === 'PORT')?.value)
  const socket = await user.upgrade({
    path: [...path, 'portforward'],
    query: { ports: port },
    protocols: [PORT_FORWARD_TUNNEL_PROTOCOL],
  })
  const connection = createSpdyConnection({ stream: webSocketDuplex(socket), role: 'client' })
  try {
    const stream = await openPortForward(connection, port)
    stream.end('GET / HTTP/1.0\r\n\r\n')
    const answer = await text(stream)
    const [head = '', body = ''] = answer.split('\r\n\r\n')
    expect(head.startsWith('HTTP/1.1 200'), `HTTP 200, not ${JSON.stringify(head.slice(0, 40))}`)
    return JSON.parse(body) as Page
  } finally {
    connection.close()
  }
}

/** `kubectl port-forward`: an HTTP request is answered by the pod. */
export const portForward: Step = {
  title: 'An HTTP request to it is answered through a forwarded port',
  async run(stage) {
    const page = await fetchPage(stage)
    expect(page.greeting === 'hello', 'the greeting of the ConfigMap')
    expect(page.secret === 'correct horse'.length, 'the Secret’s length')
    return { shown: JSON.stringify(page) }
  },
}
