import type { FastifyReply } from 'fastify'
import type { ApiResponse } from '../../../../kube/client/types.ts'
import { IsthmusError, toStatus } from '../../../../protocol/errors/index.ts'
import { errorForTenant } from '../../../kubernetes/upstream-errors.ts'
import { type KubeCall, subjectOf, upstreamHeaders, upstreamPath } from '../call.ts'
import type { KubernetesFaceDeps } from '../deps.ts'
import { flag, integer } from '../query.ts'
import { findNamespace } from '../tenant-namespace.ts'
import { refusedAnswer } from '../upstream-answer.ts'
import { createPieceWriter, type PieceWriter } from '../writer.ts'
import { collectionQuery, itemMapper, refuseAllNamespaces } from './collection.ts'
import { isNamespaceGoing } from './going-namespace.ts'
import { watchAbsent } from './watch-absent.ts'
import { createEventMapper, type EventMapper, type WatchEvent } from './watch-events.ts'
import { readLines } from './watch-lines.ts'

/** A watch ends after so many seconds at the latest; a client comes back with its resourceVersion. */
const MAX_SECONDS = 3600

/** GET with `watch=true`: one upstream watch for it, mapped line by line as fast as the client reads. */
export async function watchObjects(
  call: KubeCall,
  deps: KubernetesFaceDeps,
  reply: FastifyReply,
): Promise<void> {
  refuseAllNamespaces(call)
  const timeoutSeconds = Math.min(integer(call.query, 'timeoutSeconds') ?? MAX_SECONDS, MAX_SECONDS)
  const query = {
    ...collectionQuery(call, deps),
    limit: undefined,
    watch: true,
    allowWatchBookmarks: flag(call.query, 'allowWatchBookmarks') || undefined,
    sendInitialEvents: call.query.has('sendInitialEvents')
      ? flag(call.query, 'sendInitialEvents')
      : undefined,
    timeoutSeconds: call.query.has('timeoutSeconds') ? timeoutSeconds : undefined,
  }
  const writer = createPieceWriter(reply, call.signal)
  const mapEvent = createEventMapper(call, deps, itemMapper(call))
  let physical: string | undefined
  if (call.namespace !== undefined) {
    physical = (await findNamespace(deps.directory, call.principal.nodeId, call.namespace))?.physicalName
    if (physical === undefined) return watchAbsent({ call, deps, reply, writer, mapEvent, timeoutSeconds })
  }
  let answer: ApiResponse
  try {
    answer = await call.client.send({
      method: 'GET',
      path: upstreamPath(call, physical),
      query,
      headers: upstreamHeaders(call),
      signal: call.signal,
    })
    if (answer.status !== 200) throw await refusedAnswer(answer)
  } catch (error) {
    if (physical !== undefined && (await isNamespaceGoing(call, physical, error))) {
      return watchAbsent({ call, deps, reply, writer, mapEvent, timeoutSeconds })
    }
    throw errorForTenant(call.view, error, subjectOf(call))
  }
  reply.hijack()
  writer.start({ 'content-type': 'application/json' })
  await follow(call, deps, writer, mapEvent, answer)
}

async function follow(
  call: KubeCall,
  deps: KubernetesFaceDeps,
  writer: PieceWriter,
  mapEvent: EventMapper,
  answer: ApiResponse,
): Promise<void> {
  try {
    for await (const line of readLines(answer.body)) {
      const mapped = await mapEvent(parseEvent(line))
      if (mapped !== undefined) await writer.write(`${JSON.stringify(mapped)}\n`)
    }
    writer.end()
  } catch (error) {
    answer.body.destroy()
    // An end in order: the client comes back with its last resourceVersion, to another replica.
    if (deps.sessions.draining.aborted) writer.end()
    else if (call.signal.aborted) sayGoodbye(call, writer)
    else {
      // A client sees the cut and comes back with its last resourceVersion.
      deps.logger.info({ err: error, requestId: call.requestId }, 'a watch was cut short')
      writer.destroy()
    }
  }
}

/** One that is cut off is told why, if it still listens. */
function sayGoodbye(call: KubeCall, writer: PieceWriter): void {
  const { reason } = call.signal
  if (reason instanceof IsthmusError)
    writer.last(`${JSON.stringify({ type: 'ERROR', object: toStatus(reason) })}\n`)
  else writer.destroy()
}

function parseEvent(line: Buffer): WatchEvent {
  return JSON.parse(line.toString('utf8')) as WatchEvent
}
