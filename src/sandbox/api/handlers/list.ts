import { IsthmusError } from '../../../protocol/errors/index.ts'
import type { KubeObject, ListResult, Selection } from '../../store/index.ts'
import type { ApiCall, ApiContext, ApiResult } from '../context.ts'
import { negotiate } from '../negotiate.ts'
import { partialMetadata } from '../render/partial.ts'
import { toTable } from '../render/table.ts'
import { apiVersionOf } from '../resources/definition.ts'
import { decodeContinue, encodeContinue } from './continue.ts'
import { headerOf, includeOf, present } from './read.ts'
import { checkVersionParameter, numberOf } from './versions.ts'

/** What a list or watch selects. */
export function selectionOf(call: ApiCall): Selection {
  const { info, query, definition } = call
  return {
    namespace: definition.namespaced ? info.namespace : '',
    labelSelector: query.get('labelSelector') ?? '',
    fieldSelector: query.get('fieldSelector') ?? '',
  }
}

/** A list, whole or by pages. */
export function listObjects(context: ApiContext, call: ApiCall): ApiResult {
  const { definition } = call
  const page = readPage(context, call)
  const metadata = {
    resourceVersion: page.resourceVersion,
    ...(page.continue ? { continue: page.continue } : {}),
    ...(page.remaining === undefined ? {} : { remainingItemCount: page.remaining }),
  }
  const items = page.items.map((item) => present(definition, item))
  const as = negotiate(headerOf(call, 'accept'), true)
  if (as === 'table') {
    const options = { include: includeOf(call), nowMs: context.clock.now(), withHeaders: true }
    return { status: 200, body: toTable(definition, items, metadata, options) }
  }
  const [kind, apiVersion] =
    as === 'partial'
      ? ['PartialObjectMetadataList', 'meta.k8s.io/v1']
      : [`${definition.kind}List`, apiVersionOf(definition)]
  // Inside a list the items say neither kind nor apiVersion, as the typed lists of a real API server.
  const body = items.map((item) => {
    if (as === 'partial') return partialMetadata(item)
    const { kind: _kind, apiVersion: _apiVersion, ...rest } = item
    return rest
  })
  return { status: 200, body: { kind, apiVersion, metadata, items: body } }
}

interface Page extends ListResult<KubeObject> {
  continue?: string
  remaining?: number
}

/** A page of the list that a call asks for; a continued one is read from the history, so that pages fit together. */
function readPage(context: ApiContext, call: ApiCall): Page {
  const { definition, query } = call
  const selection = selectionOf(call)
  const limit = numberOf(query, 'limit')
  const token = query.get('continue')
  const from = token ? decodeContinue(token) : undefined
  if (from && query.get('resourceVersion') && query.get('resourceVersion') !== '0') {
    throw new IsthmusError('bad_request', 'specifying resource version is not allowed when using continue')
  }
  const { version, exact } = checkVersionParameter(context, call)
  const at = from?.version ?? (exact ? version : undefined)
  const whole =
    at === undefined || String(at) === context.store.resourceVersion
      ? context.store.list<KubeObject>(definition.storage, selection)
      : readBack(context, definition.storage, selection, at, from !== undefined)
  const start = from ? whole.items.findIndex((item) => position(item) > from.after) : 0
  const rest = start < 0 ? [] : whole.items.slice(start)
  if (!limit || limit < 0 || rest.length <= limit)
    return { items: rest, resourceVersion: whole.resourceVersion }
  const items = rest.slice(0, limit)
  const selecting = selection.labelSelector || selection.fieldSelector
  return {
    items,
    resourceVersion: whole.resourceVersion,
    continue: encodeContinue({ version: Number(whole.resourceVersion), after: position(items[limit - 1]!) }),
    ...(selecting ? {} : { remaining: rest.length - limit }),
  }
}

const position = (object: KubeObject) => `${object.metadata.namespace ?? ''}/${object.metadata.name}`

function readBack(
  context: ApiContext,
  resource: string,
  selection: Selection,
  version: number,
  continued: boolean,
): ListResult<KubeObject> {
  try {
    return context.store.listAt(resource, selection, version)
  } catch (cause) {
    if (!(cause instanceof IsthmusError) || cause.code !== 'gone') throw cause
    const text = continued
      ? 'The provided continue parameter is too old to display a consistent list result.'
      : 'The resourceVersion for the provided list is too old.'
    throw new IsthmusError('gone', text, { cause })
  }
}
