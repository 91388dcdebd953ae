import type { FastifyReply } from 'fastify'
import type { ApiResponse, Query } from '../../../../kube/client/types.ts'
import { sealContinue } from '../../../kubernetes/continue-token.ts'
import { splitItems } from '../../../kubernetes/json-items.ts'
import { isRecord, type KubeObject, type ListMeta } from '../../../kubernetes/objects.ts'
import { mayMention } from '../../../kubernetes/redact.ts'
import { columnsOf } from '../../../kubernetes/table/rows.ts'
import { errorForTenant } from '../../../kubernetes/upstream-errors.ts'
import { type KubeCall, subjectOf, upstreamHeaders, upstreamPath } from '../call.ts'
import type { KubernetesFaceDeps } from '../deps.ts'
import { findNamespace } from '../tenant-namespace.ts'
import { refusedAnswer } from '../upstream-answer.ts'
import { createPieceWriter, createYielder, type PieceWriter } from '../writer.ts'
import { collectionQuery, refuseAllNamespaces, tokenScope } from './collection.ts'
import { freshListMeta } from './fresh-meta.ts'
import { isNamespaceGoing } from './going-namespace.ts'
import { itemRenderer, knownItems } from './list-items.ts'

/** Items are written together up to so many characters: 500 small writes cost a tenth of a list's CPU. */
const WRITE_BYTES = 65_536

/** GET of a collection, written item by item as it comes from the data plane. */
export async function listObjects(
  call: KubeCall,
  deps: KubernetesFaceDeps,
  reply: FastifyReply,
): Promise<void> {
  refuseAllNamespaces(call)
  const query = collectionQuery(call, deps)
  const writer = createPieceWriter(reply, call.signal)
  let physical: string | undefined
  if (call.namespace !== undefined) {
    physical = (await findNamespace(deps.directory, call.principal.nodeId, call.namespace))?.physicalName
    if (physical === undefined) return writeEmpty(call, reply, writer)
  }
  const answer = await requestList(call, physical, query)
  if (answer === undefined) return writeEmpty(call, reply, writer)
  reply.hijack()
  await writeList(call, deps, writer, answer)
}

/** The data plane's answer, or undefined where its namespace is going and with it the gateway's rights (rule 9). */
async function requestList(
  call: KubeCall,
  physical: string | undefined,
  query: Query,
): Promise<ApiResponse | undefined> {
  try {
    const answer = await call.client.send({
      method: 'GET',
      path: upstreamPath(call, physical),
      query,
      headers: upstreamHeaders(call),
      signal: call.signal,
    })
    if (answer.status === 200) return answer
    const error = await refusedAnswer(answer)
    if (physical !== undefined && (await isNamespaceGoing(call, physical, error))) return undefined
    throw error
  } catch (error) {
    throw errorForTenant(call.view, error, subjectOf(call))
  }
}

async function writeList(
  call: KubeCall,
  deps: KubernetesFaceDeps,
  writer: PieceWriter,
  answer: ApiResponse,
): Promise<void> {
  const render = itemRenderer(call)
  const known = knownItems(call, deps)
  const turn = createYielder(deps.clock.elapsed)
  let separator = ''
  let pending = ''
  try {
    for await (const piece of splitItems(answer.body, known)) {
      if ('head' in piece) {
        const meta = listMeta(call, deps, isRecord(piece.head.metadata) ? piece.head.metadata : {})
        writer.start({ 'content-type': 'application/json' })
        pending = headOf(call, meta)
      } else if ('known' in piece) {
        pending += separator + piece.known.render(call.nowMs)
        separator = ','
      } else if ('item' in piece) {
        const write = render(piece.item as KubeObject)
        if (write !== undefined) {
          const text = write(call.nowMs)
          pending += separator + text
          separator = ','
          const { bytes, identity } = piece
          if (identity !== undefined && !mayMention(text)) known?.add(identity, { bytes, render: write })
        }
        const turned = turn()
        if (turned !== undefined) await turned
      } else pending += ']}\n'
      if (pending.length < WRITE_BYTES && !('tail' in piece)) continue
      await writer.write(pending)
      pending = ''
    }
    writer.end()
  } catch (error) {
    answer.body.destroy()
    writer.destroy()
    if (!call.signal.aborted)
      deps.logger.warn({ err: error, requestId: call.requestId }, 'a list was cut short')
  }
}

/** The tenant's list metadata: the continue token sealed, counts only where they count the tenant's objects. */
function listMeta(call: KubeCall, deps: KubernetesFaceDeps, from: ListMeta): ListMeta {
  const meta: ListMeta = { resourceVersion: from.resourceVersion }
  if (from.continue) meta.continue = sealContinue(deps.continueKey, tokenScope(call), from.continue)
  if (from.remainingItemCount !== undefined && call.resource.name !== 'events') {
    meta.remainingItemCount = from.remainingItemCount
  }
  return meta
}

async function writeEmpty(call: KubeCall, reply: FastifyReply, writer: PieceWriter): Promise<void> {
  const meta = await freshListMeta(call)
  reply.hijack()
  writer.start({ 'content-type': 'application/json' })
  await writer.write(`${headOf(call, meta)}]}\n`)
  writer.end()
}

/** Everything up to the bracket that opens the items. */
function headOf(call: KubeCall, metadata: ListMeta): string {
  const { kind } = call.resource
  const { group, version } = call.resource
  const apiVersion = group === '' ? version : `${group}/${version}`
  const head =
    call.form.as === 'object'
      ? { kind: `${kind}List`, apiVersion, metadata, items: [] }
      : call.form.as === 'partial'
        ? { kind: 'PartialObjectMetadataList', apiVersion: 'meta.k8s.io/v1', metadata, items: [] }
        : {
            kind: 'Table',
            apiVersion: 'meta.k8s.io/v1',
            metadata,
            columnDefinitions: columnsOf(kind),
            rows: [],
          }
  return JSON.stringify(head).slice(0, -2)
}
