import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import type { V1Node } from '@kubernetes/client-node'
import type { KubeClient } from '../../kube/index.ts'
import { type Finding, findingsOf, reasonOf } from './finding.ts'

const { ok, warn, fail } = findingsOf('user cluster')
const TIMEOUT_MS = 5_000

/**
 * Whether the API server reaches the agent's kubelet port: logs, exec and port-forward go that way. Asked through
 * the API server itself, since only its way counts; where this kubeconfig may not, the port is dialled from here.
 */
export async function checkKubeletPort(client: Pick<KubeClient, 'send'>, node: V1Node): Promise<Finding> {
  const name = node.metadata?.name ?? ''
  const what = `node ${name} kubelet port`
  const address = node.status?.addresses?.find(({ type }) => type === 'InternalIP')?.address
  const port = node.status?.daemonEndpoints?.kubeletEndpoint?.Port
  if (address === undefined || port === undefined) {
    return fail(what, 'the Node has no InternalIP or no port', 'See the agent’s log; set --node-ip.')
  }
  const at = `${address}:${port}`
  try {
    const path = ['api', 'v1', 'nodes', name, 'proxy', 'healthz']
    const { status, body } = await client.send({ method: 'GET', path, timeoutMs: TIMEOUT_MS * 2 })
    const said = (await text(body)).trim()
    if (status === 200) return ok(what, `the API server reaches ${at}`)
    if (status === 401 || (status === 403 && !isStatus(said))) {
      return fail(
        what,
        `${at} does not know the API server: HTTP ${status}`,
        'Give the agent the CA of the API server’s kubelet client by --kubelet-client-ca.',
      )
    }
    if (status >= 500) {
      return fail(
        what,
        `the API server does not reach ${at}: ${said.slice(0, 300)}`,
        'Set --node-ip of the agent to an address that the API server can dial, and open the port there.',
      )
    }
  } catch (error) {
    return fail(what, `no answer by way of the API server: ${reasonOf(error)}`, 'Check the API server.')
  }
  return dialFromHere(what, address, port)
}

/** The API server's own refusal is a Status; the agent's is plain text. */
function isStatus(said: string): boolean {
  return said.startsWith('{') && said.includes('"Status"')
}

async function dialFromHere(what: string, host: string, port: number): Promise<Finding> {
  const problem = await new Promise<string | undefined>((resolve) => {
    const socket = connect({ host, port })
    const end = (result: string | undefined) => {
      socket.destroy()
      resolve(result)
    }
    socket.setTimeout(TIMEOUT_MS, () => end(`nothing within ${TIMEOUT_MS / 1000} s`))
    socket.once('error', (error) => end(reasonOf(error)))
    socket.once('connect', () => end(undefined))
  })
  if (problem === undefined) return ok(what, `${host}:${port} answers from here`)
  return warn(
    what,
    `${host}:${port} does not answer from here: ${problem}`,
    'Use a kubeconfig that may get nodes/proxy, so that the API server’s own way is tried.',
  )
}
