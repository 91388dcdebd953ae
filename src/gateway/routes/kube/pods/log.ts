import type { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'
import type { ApiResponse } from '../../../../kube/client/types.ts'
import type { Pod } from '../../../kubernetes/objects.ts'
import { errorForTenant, objectNotFound } from '../../../kubernetes/upstream-errors.ts'
import type { OpenSession } from '../../../sessions/index.ts'
import { type KubeCall, subjectOf, upstreamHeaders } from '../call.ts'
import type { KubernetesFaceDeps } from '../deps.ts'
import { readOwn } from '../objects/get.ts'
import { checkedName } from '../objects/names.ts'
import { findNamespace } from '../tenant-namespace.ts'
import { refusedAnswer } from '../upstream-answer.ts'
import { createPieceWriter } from '../writer.ts'
import { chooseContainer } from './choose-container.ts'
import { readLogQuery } from './log-query.ts'

/**
 * GET of a pod's log: the bytes as they come, as fast as the client reads. A followed one is a session: listed,
 * counted and killable (design.md §2).
 */
export async function getLog(call: KubeCall, deps: KubernetesFaceDeps, reply: FastifyReply): Promise<void> {
  const name = checkedName(call)
  const options = readLogQuery(call.query)
  const namespace = await findNamespace(deps.directory, call.principal.nodeId, call.namespace ?? '')
  if (namespace === undefined) throw objectNotFound(call.resource, name)
  const pod = (await readOwn(call, namespace, name)) as Pod
  const container = chooseContainer(pod, options.container)
  if (options.follow) deps.limits.session(call.principal.nodeId)
  const session = options.follow
    ? await deps.sessions.open(call.principal, {
        verb: 'log',
        namespace: call.namespace ?? '',
        pod: name,
        container,
        logOptions: { ...options, container },
      })
    : undefined
  const signal = session === undefined ? call.signal : AbortSignal.any([call.signal, session.signal])
  let outcome = 'refused'
  try {
    const answer = await openLog({ ...call, signal }, namespace.physicalName, name, { ...options, container })
    reply.hijack()
    outcome = await pass(answer.body, createPieceWriter(reply, signal), session)
  } finally {
    await session?.end(signal.aborted ? 'client-gone' : outcome)
  }
}

/** Opens the log at the data plane. @throws IsthmusError */
export async function openLog(
  call: KubeCall,
  physicalName: string,
  name: string,
  query: Record<string, string>,
): Promise<ApiResponse> {
  try {
    const answer = await call.client.send({
      method: 'GET',
      path: ['api', 'v1', 'namespaces', physicalName, 'pods', name, 'log'],
      query,
      headers: { ...upstreamHeaders(call), accept: '*/*' },
      signal: call.signal,
    })
    if (answer.status !== 200) throw await refusedAnswer(answer)
    return answer
  } catch (error) {
    throw errorForTenant(call.view, error, subjectOf(call, name))
  }
}

async function pass(
  body: Readable,
  writer: ReturnType<typeof createPieceWriter>,
  session: OpenSession | undefined,
): Promise<string> {
  writer.start({ 'content-type': 'text/plain' })
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      session?.touch(0, chunk.length)
      await writer.write(chunk)
    }
    writer.end()
    return 'completed'
  } catch {
    // Either side broke off; what was not sent is missing, and the client sees the connection cut.
    body.destroy()
    writer.destroy()
    return 'broken'
  }
}
