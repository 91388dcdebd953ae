import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { V1Node, V1Pod } from '@kubernetes/client-node'
import { IsthmusError } from '../../../protocol/errors/index.ts'
import type { PodBackend } from '../../ports.ts'
import type { ApiCall, ApiContext } from '../context.ts'
import { invalidError } from '../errors.ts'
import { isTrue } from '../request-info.ts'
import { readObject } from './read.ts'
import { numberOf } from './versions.ts'
import { admit } from './write.ts'

const LOG_PARAMETERS = new Set([
  'container',
  'follow',
  'previous',
  'sinceSeconds',
  'sinceTime',
  'timestamps',
  'tailLines',
  'limitBytes',
  'stream',
  'insecureSkipTLSVerifyBackend',
  'pretty',
])

/** GET of `log`: plain text on `response`, followed until the client goes. */
export async function streamLog(context: ApiContext, call: ApiCall, response: ServerResponse): Promise<void> {
  const { query } = call
  const pod = readPod(context, call)
  for (const name of query.keys()) {
    if (!LOG_PARAMETERS.has(name))
      throw new IsthmusError('bad_request', `unknown log parameter ${JSON.stringify(name)}`)
  }
  const sinceSeconds = numberOf(query, 'sinceSeconds')
  const sinceTime = query.get('sinceTime') ?? undefined
  const tailLines = numberOf(query, 'tailLines')
  const limitBytes = numberOf(query, 'limitBytes')
  const stream = query.get('stream') ?? undefined
  checkLogOptions(call.info.name, { sinceSeconds, sinceTime, tailLines, limitBytes, stream })
  const container = chooseContainer(pod, query.get('container') ?? '')
  if (!pod.spec?.nodeName) {
    // Nobody has a log yet: no content, as the real one.
    response.writeHead(204).end()
    return
  }
  const { node, backend } = placeOf(context, pod)
  const gone = new AbortController()
  response.on('close', () => gone.abort())
  const body = await backend.logs({
    pod,
    ...(node ? { node } : {}),
    container,
    follow: isTrue(query.get('follow')),
    previous: isTrue(query.get('previous')),
    timestamps: isTrue(query.get('timestamps')),
    tailLines,
    sinceSeconds,
    sinceTime,
    limitBytes,
    stream: stream as 'All' | undefined,
    insecureSkipTLSVerifyBackend: isTrue(query.get('insecureSkipTLSVerifyBackend')),
    signal: gone.signal,
  })
  response.writeHead(200, { 'content-type': 'text/plain', 'cache-control': 'no-cache, private' })
  response.flushHeaders()
  try {
    await pipeline(body, response)
  } catch (error) {
    // The status is sent already: a log that breaks off can only be cut. A client that has gone is no fault.
    if (!gone.signal.aborted) context.logger.warn({ err: error, pod: call.info.name }, 'a log broke off')
    response.destroy()
  }
}

function checkLogOptions(
  name: string,
  options: {
    sinceSeconds?: number
    sinceTime?: string
    tailLines?: number
    limitBytes?: number
    stream?: string
  },
): void {
  const fault = (field: string, message: string) =>
    invalidError({ kind: 'PodLogOptions', group: '' }, name, [
      {
        field,
        reason: message.startsWith('Forbidden') ? 'FieldValueForbidden' : 'FieldValueInvalid',
        message,
      },
    ])
  const { sinceSeconds, sinceTime, tailLines, limitBytes, stream } = options
  if (tailLines !== undefined && tailLines < 0) {
    throw fault('tailLines', `Invalid value: ${tailLines}: must be greater than or equal to 0`)
  }
  if (limitBytes !== undefined && limitBytes < 1) {
    throw fault('limitBytes', `Invalid value: ${limitBytes}: must be greater than 0`)
  }
  if (sinceSeconds !== undefined && sinceTime !== undefined) {
    throw fault('[]', 'Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified')
  }
  if (sinceSeconds !== undefined && sinceSeconds < 1) {
    throw fault('sinceSeconds', `Invalid value: ${sinceSeconds}: must be greater than 0`)
  }
  if (sinceTime !== undefined && Number.isNaN(Date.parse(sinceTime))) {
    throw new IsthmusError('bad_request', `sinceTime is no RFC 3339 time: ${JSON.stringify(sinceTime)}`)
  }
  if (stream !== undefined && !['All', 'Stdout', 'Stderr'].includes(stream)) {
    throw fault(
      'stream',
      `Unsupported value: ${JSON.stringify(stream)}: supported values: "All", "Stderr", "Stdout"`,
    )
  }
}

/** An upgrade to exec, attach or port-forward: checked, admitted (CONNECT), then the backend's. */
export async function upgradePod(
  context: ApiContext,
  call: ApiCall,
  upgrade: { request: IncomingMessage; socket: Duplex; head: Buffer },
): Promise<void> {
  const { query, info } = call
  const pod = readPod(context, call)
  const { node, backend } = placeOf(context, pod)
  const verb = info.subresource as 'exec' | 'attach' | 'portforward'
  admit(context, call, 'CONNECT', 'validate')
  const container = verb === 'portforward' ? '' : chooseContainer(pod, query.get('container') ?? '', true)
  const command = query.getAll('command')
  if (verb === 'exec' && command.length === 0)
    throw new IsthmusError('bad_request', 'you must specify at least 1 command for exec')
  const { phase } = pod.status ?? {}
  if (phase === 'Succeeded' || phase === 'Failed') {
    throw new IsthmusError(
      'bad_request',
      `cannot exec into a container in a completed pod; current phase is ${phase}`,
    )
  }
  const tty = isTrue(query.get('tty'))
  const stderr = isTrue(query.get('stderr')) && !tty
  await backend.upgrade({
    pod,
    ...(node ? { node } : {}),
    verb,
    container,
    command,
    stdin: isTrue(query.get('stdin')),
    stdout: isTrue(query.get('stdout')),
    stderr,
    tty,
    ports: query.getAll('ports').flatMap((list) => list.split(',').map(Number)),
    ...upgrade,
  })
}

function readPod(context: ApiContext, call: ApiCall): V1Pod {
  return readObject(context, { ...call, query: new URLSearchParams() }) as unknown as V1Pod
}

/** Where a pod is, and who runs it. @throws bad_request for one without a node. */
export function placeOf(context: ApiContext, pod: V1Pod): { node?: V1Node; backend: PodBackend } {
  const { nodeName } = pod.spec ?? {}
  if (!nodeName)
    throw new IsthmusError('bad_request', `pod ${pod.metadata?.name} does not have a host assigned`)
  if (!context.backend) throw new IsthmusError('not_implemented', 'this sandbox runs no pods')
  const node = context.store.get<V1Node>('nodes', { name: nodeName })
  return { ...(node ? { node } : {}), backend: context.backend }
}

/** A request to exec and its like that does not ask for an upgrade. @throws not_found, bad_request, always one of them. */
export function refusePlainStream(context: ApiContext, call: ApiCall): never {
  placeOf(context, readPod(context, call))
  throw new IsthmusError('bad_request', 'Upgrade request required')
}

/** The container that is meant: the named one, or the only one. @throws bad_request. */
function chooseContainer(pod: V1Pod, name: string, stream = false): string {
  const all = [
    ...(pod.spec?.containers ?? []),
    ...(pod.spec?.initContainers ?? []),
    ...(pod.spec?.ephemeralContainers ?? []),
  ].map((container) => container.name)
  if (name) {
    if (all.includes(name)) return name
    throw new IsthmusError('bad_request', `container ${name} is not valid for pod ${pod.metadata?.name}`)
  }
  const main = (pod.spec?.containers ?? []).map((container) => container.name)
  const annotated = pod.metadata?.annotations?.['kubectl.kubernetes.io/default-container']
  if (main.length === 1) return main[0]!
  if (annotated && main.includes(annotated) && stream) return annotated
  const init = (pod.spec?.initContainers ?? []).map((container) => container.name)
  const also = init.length > 0 ? ` or one of the init containers: [${init.join(' ')}]` : ''
  const text = `a container name must be specified for pod ${pod.metadata?.name}, choose one of: [${main.join(' ')}]${also}`
  throw new IsthmusError('bad_request', text)
}
