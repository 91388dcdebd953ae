import { IsthmusError } from '../../../protocol/errors/index.ts'
import { type DeleteOptions, groupKind, type KubeObject } from '../../store/index.ts'
import type { ApiCall, ApiContext, ApiResult } from '../context.ts'
import { invalidError } from '../errors.ts'
import { apiVersionOf } from '../resources/definition.ts'
import { unsupported } from '../resources/faults.ts'
import { decodeCallBody } from './decode.ts'
import { listObjects, selectionOf } from './list.ts'
import { keyOf, present, readObject } from './read.ts'
import { numberOf } from './versions.ts'
import { admit, perform } from './write.ts'

type Propagation = 'Orphan' | 'Background' | 'Foreground'

const OPTIONS_KIND = { kind: 'DeleteOptions', group: 'meta.k8s.io' } as const
const OPTIONS = { group: '', version: 'v1', kind: 'DeleteOptions' } as const

/** metav1.DeleteOptions, from body and query. */
interface Options extends DeleteOptions {
  propagation: Propagation
}

/** DELETE of one object. */
export function deleteObject(context: ApiContext, call: ApiCall): ApiResult {
  const options = readDeleteOptions(call)
  const current = readObject(context, call)
  const result = deleteOne(context, call, current, options)
  if (result.gone && !call.definition.returnsDeleted) {
    const { name, uid } = result.object.metadata
    const details = { name, ...groupKind(call.definition.storage), uid }
    return {
      status: 200,
      body: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details },
    }
  }
  return { status: 200, body: present(call.definition, result.object) }
}

/** DELETE of a collection: what a list with the same parameters shows. */
export function deleteCollection(context: ApiContext, call: ApiCall): ApiResult {
  const { definition } = call
  const options = readDeleteOptions(call)
  const kept = definition.kind === 'Namespace' && definition.group === ''
  if (kept || (definition.namespaced && !call.info.namespace)) {
    throw new IsthmusError(
      'method_not_allowed',
      'the server does not allow this method on the requested resource',
    )
  }
  const listed = listObjects(context, { ...call, headers: {} }).body as { metadata: unknown }
  const { items } = context.store.list<KubeObject>(definition.storage, selectionOf(call))
  const limit = numberOf(call.query, 'limit')
  const deleted: unknown[] = []
  for (const item of limit && limit > 0 ? items.slice(0, limit) : items) {
    const single = { ...call, info: { ...call.info, name: item.metadata.name } }
    const { object } = deleteOne(context, single, item, options)
    deleted.push(present(definition, object))
  }
  const kind = `${definition.kind}List`
  return {
    status: 200,
    body: { kind, apiVersion: apiVersionOf(definition), metadata: listed.metadata, items: deleted },
  }
}

function deleteOne(context: ApiContext, call: ApiCall, current: KubeObject, options: Options) {
  const { definition } = call
  const { store } = context
  checkPreconditions(call, current, options)
  admit(context, call, 'DELETE', 'validate', undefined, current)
  const key = keyOf(call)
  return perform(context, call, () => {
    const held = options.propagation === 'Background' ? undefined : finalizerOf(options.propagation)
    if (held && !current.metadata.deletionTimestamp && !call.dryRun) {
      store.mutate<KubeObject>(definition.storage, key, (object) => {
        object.metadata.finalizers = [
          ...(object.metadata.finalizers ?? []).filter((each) => each !== held),
          held,
        ]
      })
      options = { ...options, resourceVersion: undefined }
    }
    const result = store.delete<KubeObject>(definition.storage, key, options)
    if (definition.kind !== 'Namespace' || result.gone || call.dryRun) return result
    return {
      gone: false as const,
      object: store.patchStatus<KubeObject>('namespaces', key, { phase: 'Terminating' }),
    }
  })
}

/** A DELETE words its conflicts in its own way, by kind (rest.BeforeDelete). @throws conflict. */
function checkPreconditions({ definition, info }: ApiCall, { metadata }: KubeObject, options: Options): void {
  const { kind, group } = definition
  const refuse = (why: string) => {
    const what = group ? `${kind}.${group}` : kind
    const text = `Operation cannot be fulfilled on ${what} "${info.name}": ${why}`
    return new IsthmusError('conflict', text, { kind, group: group || undefined, name: info.name })
  }
  if (options.uid && options.uid !== metadata.uid) {
    throw refuse(
      `the UID in the precondition (${options.uid}) does not match the UID in record (${metadata.uid}). The object might have been deleted and then recreated`,
    )
  }
  if (options.resourceVersion && options.resourceVersion !== metadata.resourceVersion) {
    throw refuse(
      `the ResourceVersion in the precondition (${options.resourceVersion}) does not match the ResourceVersion in record (${metadata.resourceVersion}). The object might have been modified`,
    )
  }
}

const finalizerOf = (propagation: Propagation) =>
  propagation === 'Orphan' ? 'orphan' : propagation === 'Foreground' ? 'foregroundDeletion' : undefined

/** @throws bad_request, invalid for what the sandbox does not do. */
function readDeleteOptions(call: ApiCall): Options {
  const { query } = call
  const body = (call.body.length > 0 ? decodeCallBody(call, OPTIONS) : {}) as Record<string, unknown> | null
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new IsthmusError('bad_request', 'the body is no DeleteOptions')
  }
  if (body['kind'] !== undefined && body['kind'] !== 'DeleteOptions') {
    throw new IsthmusError('bad_request', `${String(body['kind'])} cannot be handled as a DeleteOptions`)
  }
  for (const name of ['orphanDependents', 'ignoreStoreReadErrorWithClusterBreakingPotential']) {
    if (body[name] || query.get(name)) {
      throw new IsthmusError('invalid', `DeleteOptions "" is invalid: ${name}: Forbidden: not supported here`)
    }
  }
  const grace = body['gracePeriodSeconds'] ?? numberOf(query, 'gracePeriodSeconds')
  if (grace !== undefined && grace !== null && !Number.isSafeInteger(grace)) {
    throw new IsthmusError('bad_request', 'gracePeriodSeconds must be a whole number')
  }
  const propagation = String(body['propagationPolicy'] ?? query.get('propagationPolicy') ?? 'Background')
  if (!['Orphan', 'Background', 'Foreground'].includes(propagation)) {
    const names = ['Foreground', 'Background', 'Orphan', 'nil']
    throw invalidError(OPTIONS_KIND, '', [unsupported('propagationPolicy', propagation, names)])
  }
  if (Array.isArray(body['dryRun']) && body['dryRun'].includes('All')) call.dryRun = true
  const preconditions = (body['preconditions'] ?? {}) as { uid?: string; resourceVersion?: string }
  return {
    propagation: propagation as Propagation,
    ...(grace === undefined || grace === null ? {} : { gracePeriodSeconds: grace as number }),
    ...(preconditions.uid ? { uid: preconditions.uid } : {}),
    ...(preconditions.resourceVersion ? { resourceVersion: preconditions.resourceVersion } : {}),
  }
}
