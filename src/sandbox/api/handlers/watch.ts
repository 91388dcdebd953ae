import type { ServerResponse } from 'node:http'
import { IsthmusError, toIsthmusError, toStatus } from '../../../protocol/errors/index.ts'
import type { KubeObject, StoreEvent } from '../../store/index.ts'
import type { ApiCall, ApiContext } from '../context.ts'
import { invalidError } from '../errors.ts'
import { negotiate } from '../negotiate.ts'
import { partialMetadata } from '../render/partial.ts'
import { toTable } from '../render/table.ts'
import { isTrue } from '../request-info.ts'
import { apiVersionOf } from '../resources/definition.ts'
import { forbidden } from '../resources/faults.ts'
import { selectionOf } from './list.ts'
import { headerOf, includeOf, present } from './read.ts'
import { LIST_OPTIONS, numberOf } from './versions.ts'

/** A watcher that reads too slowly is cut off at this much unsent, in bytes: it will resume. */
const UNSENT_MAX = 16 * 1024 * 1024
/** How often a bookmark is sent, in milliseconds; a real API server sends one a minute. */
const BOOKMARK_MS = 30_000
/** The longest watch, in seconds, when the client names none: between 30 and 60 minutes, as the real one. */
const LONGEST_S = 1800

/**
 * Answers a watch on `response`: one JSON object per line until the client goes, the time is up, or `shutdown` aborts.
 * Faults of the parameters are thrown before anything is written; a version that is too old is an ERROR event.
 */
export function watchObjects(
  context: ApiContext,
  call: ApiCall,
  response: ServerResponse,
  shutdown: AbortSignal,
): void {
  const { definition, query } = call
  const as = negotiate(headerOf(call, 'accept'), true)
  const include = includeOf(call)
  const initial = checkWatchParameters(call)
  const bookmarks = isTrue(query.get('allowWatchBookmarks'))
  const asked = numberOf(query, 'timeoutSeconds')
  const seconds = asked && asked > 0 ? asked : LONGEST_S * (1 + Math.random())
  const version = query.get('resourceVersion') ?? ''
  const resume = version !== '' && version !== '0' && !initial

  let headersSent = false
  const line = (type: string, object: KubeObject): string => {
    if (as === 'object' && !definition.convert) return `{"type":"${type}","object":${jsonOf(object)}}\n`
    const shown = present(definition, object)
    let body: unknown = shown
    if (as === 'partial') body = partialMetadata(shown)
    else if (as === 'table') {
      const metadata = { resourceVersion: object.metadata.resourceVersion }
      const options = { include, nowMs: context.clock.now(), withHeaders: !headersSent }
      body = toTable(definition, [shown], metadata, options)
    }
    headersSent = true
    return `${JSON.stringify({ type, object: body })}\n`
  }
  const bookmark = (annotations?: Record<string, string>): string => {
    const metadata = {
      resourceVersion: context.store.resourceVersion,
      creationTimestamp: null,
      ...(annotations ? { annotations } : {}),
    }
    const object = { kind: definition.kind, apiVersion: apiVersionOf(definition), metadata }
    return line('BOOKMARK', object as unknown as KubeObject)
  }

  const write = (text: string): void => {
    response.write(text)
    if (response.writableLength > UNSENT_MAX) response.destroy()
  }
  const onEvent = ({ type, object }: StoreEvent<KubeObject>) => write(line(type, object))

  let end = () => {}
  const start = () => {
    if (version === '0' || !version || initial) {
      // Nothing changes between the list and the watch: both are synchronous.
      const from = context.store.resourceVersion
      const first =
        initial === false ? [] : context.store.list<KubeObject>(definition.storage, selectionOf(call)).items
      end = context.store.watch(definition.storage, { ...selectionOf(call), resourceVersion: from, onEvent })
      openStream(response)
      for (const object of first) write(line('ADDED', object))
      if (initial && bookmarks) write(bookmark({ 'k8s.io/initial-events-end': 'true' }))
      return
    }
    end = context.store.watch(definition.storage, { ...selectionOf(call), resourceVersion: version, onEvent })
    openStream(response)
  }

  try {
    start()
  } catch (error) {
    const fault = toIsthmusError(error)
    if (fault.code !== 'gone' || !resume) throw fault
    openStream(response)
    response.end(`${JSON.stringify({ type: 'ERROR', object: toStatus(fault) })}\n`)
    return
  }
  const ticking = setInterval(() => bookmarks && write(bookmark()), BOOKMARK_MS)
  const timeout = setTimeout(() => stop(bookmarks), seconds * 1000)
  const stop = (withBookmark: boolean) => {
    clearInterval(ticking)
    clearTimeout(timeout)
    end()
    shutdown.removeEventListener('abort', onShutdown)
    if (response.writableEnded || response.destroyed) return
    response.end(withBookmark ? bookmark() : undefined)
  }
  const onShutdown = () => stop(false)
  shutdown.addEventListener('abort', onShutdown)
  response.on('close', () => stop(false))
}

const texts = new WeakMap<KubeObject, string>()

/** The JSON of a stored object, made once however many watches tell it: stored objects never change. */
function jsonOf(object: KubeObject): string {
  const known = texts.get(object)
  if (known !== undefined) return known
  const text = JSON.stringify(object)
  if (Object.isFrozen(object)) texts.set(object, text)
  return text
}

function openStream(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-cache, private' })
  response.flushHeaders()
}

/** Whether the state comes first as events: true or false when the client said so. @throws invalid. */
function checkWatchParameters(call: ApiCall): boolean | undefined {
  const { query } = call
  const match = query.get('resourceVersionMatch') ?? ''
  const asked = query.get('sendInitialEvents')
  const version = query.get('resourceVersion') ?? ''
  if (version && !/^\d{1,15}$/.test(version)) {
    throw new IsthmusError(
      'bad_request',
      `Invalid value: ${JSON.stringify(version)}: invalid resourceVersion`,
    )
  }
  const fault = (field: string, why: string) => invalidError(LIST_OPTIONS, '', [forbidden(field, why)])
  if (asked === null) {
    if (!match) return undefined
    const why = 'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided'
    throw fault('resourceVersionMatch', why)
  }
  if (match !== 'NotOlderThan') {
    throw fault(
      'resourceVersionMatch',
      'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan',
    )
  }
  return isTrue(asked)
}
