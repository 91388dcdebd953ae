import { KubeApiError } from '../../../../kube/client/types.ts'
import { type Status, toStatus } from '../../../../protocol/errors/index.ts'
import type { KubeObject } from '../../../kubernetes/objects.ts'
import { type Column, columnsOf, partialOf, rowOf } from '../../../kubernetes/table/rows.ts'
import { errorForTenant } from '../../../kubernetes/upstream-errors.ts'
import { type KubeCall, subjectOf } from '../call.ts'
import type { KubernetesFaceDeps } from '../deps.ts'
import type { ItemMapper } from './collection.ts'

export interface WatchEvent {
  type: string
  object: KubeObject
}

/** Maps one event of a watch; undefined for what the client is not to see. */
export type EventMapper = (event: WatchEvent) => Promise<WatchEvent | undefined>

/** End of the initial events of a WatchList (rule 2). */
const INITIAL_EVENTS_END = 'k8s.io/initial-events-end'

/** What a physical namespace's name looks like: for others' objects no look-up is worth a query. */
const physicalName = /^t-[a-z2-7]{26}$/

/**
 * The mapper of one watch. Bookmarks always come through, though they carry neither labels nor a namespace
 * (rule 2); of a table the first event carries the columns, whichever it is (rule 13).
 */
export function createEventMapper(
  call: KubeCall,
  deps: Pick<KubernetesFaceDeps, 'directory' | 'clock'>,
  map: ItemMapper,
): EventMapper {
  let columns: readonly Column[] | undefined = columnsOf(call.resource.kind)

  /** A namespace that this replica has not heard of yet is read through, once (rule 8). */
  async function readThrough(object: KubeObject): Promise<void> {
    const name = call.resource.name === 'namespaces' ? object.metadata?.name : object.metadata?.namespace
    if (name === undefined || !physicalName.test(name)) return
    if (deps.directory.namespaceByPhysicalName(name) === undefined) await deps.directory.refresh()
  }

  function inForm(object: KubeObject, bookmark: boolean): KubeObject {
    const { form, resource } = call
    if (form.as === 'object') return object
    if (form.as === 'partial') return partialOf(object)
    const table: KubeObject = {
      kind: 'Table',
      apiVersion: 'meta.k8s.io/v1',
      metadata: bookmark ? object.metadata : { resourceVersion: object.metadata?.resourceVersion },
      columnDefinitions: columns ?? null,
      rows: bookmark ? [] : [rowOf(resource.kind, object, form.includeObject, deps.clock.now())],
    }
    columns = undefined
    return table
  }

  return async ({ type, object }) => {
    if (type === 'BOOKMARK') return { type, object: inForm(bookmarkOf(call, object), true) }
    if (type === 'ERROR') return { type, object: errorOf(call, object) as unknown as KubeObject }
    if (type !== 'ADDED' && type !== 'MODIFIED' && type !== 'DELETED') return undefined
    let shown = map(object)
    if (shown === undefined && (call.resource.name === 'events' || call.resource.name === 'namespaces')) {
      await readThrough(object)
      shown = map(object)
    }
    return shown === undefined ? undefined : { type, object: inForm(shown, false) }
  }
}

function bookmarkOf(call: KubeCall, { metadata }: KubeObject): KubeObject {
  const { kind, group, version } = call.resource
  const end = metadata?.annotations?.[INITIAL_EVENTS_END]
  return {
    kind,
    apiVersion: group === '' ? version : `${group}/${version}`,
    metadata: {
      resourceVersion: metadata?.resourceVersion,
      creationTimestamp: null,
      ...(end === undefined ? {} : { annotations: { [INITIAL_EVENTS_END]: end } }),
    },
  }
}

function errorOf(call: KubeCall, object: KubeObject): Status {
  const status = object as unknown as Status
  return toStatus(errorForTenant(call.view, new KubeApiError(status.code ?? 500, status), subjectOf(call)))
}
