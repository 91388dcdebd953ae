import type { FastifyReply } from 'fastify'
import type { KubeCall } from '../call.ts'
import type { KubernetesFaceDeps } from '../deps.ts'
import { flag } from '../query.ts'
import type { PieceWriter } from '../writer.ts'
import { freshListMeta } from './fresh-meta.ts'
import type { EventMapper } from './watch-events.ts'

export interface AbsentWatch {
  call: KubeCall
  deps: Pick<KubernetesFaceDeps, 'directory' | 'clock'>
  reply: FastifyReply
  writer: PieceWriter
  mapEvent: EventMapper
  timeoutSeconds: number
}

/** How often it is looked whether the namespace has come, in the directory's memory. */
const STEP_MS = 500

/**
 * A watch in a namespace that is not there: open and silent, as on a real API server. Once the namespace comes it
 * ends, and the client comes back with its resourceVersion to a watch that sees what happens there.
 */
export async function watchAbsent(watch: AbsentWatch): Promise<void> {
  const { call, deps, reply, writer, mapEvent, timeoutSeconds } = watch
  const metadata = await freshListMeta(call)
  reply.hijack()
  writer.start({ 'content-type': 'application/json' })
  try {
    if (flag(call.query, 'sendInitialEvents')) {
      const annotations = { 'k8s.io/initial-events-end': 'true' }
      const event = await mapEvent({ type: 'BOOKMARK', object: { metadata: { ...metadata, annotations } } })
      await writer.write(`${JSON.stringify(event)}\n`)
    }
    const end = deps.clock.elapsed() + timeoutSeconds * 1000
    while (deps.clock.elapsed() < end && !isThere(watch)) await deps.clock.sleep(STEP_MS, call.signal)
  } catch (error) {
    if (!call.signal.aborted) throw error
  }
  writer.end()
}

function isThere({ call, deps }: AbsentWatch): boolean {
  return deps.directory.namespace(call.principal.nodeId, call.namespace ?? '') !== undefined
}
