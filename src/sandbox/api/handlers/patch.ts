import { IsthmusError } from '../../../protocol/errors/index.ts'
import type { KubeObject, NewKubeObject } from '../../store/index.ts'
import { asObject, decodeBody, mediaType } from '../body.ts'
import type { ApiCall, ApiContext, ApiResult } from '../context.ts'
import { invalidError } from '../errors.ts'
import { validateFields } from '../field-validation.ts'
import { APPLY, applied, JSON_PATCH, MERGE, patched, STRATEGIC } from '../patching.ts'
import { isTrue } from '../request-info.ts'
import { forbidden, required } from '../resources/faults.ts'
import { checkSubresourceChange } from './pod-subresources.ts'
import { keyOf, present, renderObject } from './read.ts'
import { fromScale, toScale } from './scale.ts'
import { createFrom, updateWith } from './write.ts'

const OPTIONS = { kind: 'PatchOptions', group: 'meta.k8s.io' } as const

/** PATCH of the main resource or of a subresource, in the four types. */
export function patchObject(context: ApiContext, call: ApiCall): ApiResult {
  const { definition, info } = call
  const type = mediaType(call.contentType)
  if (![MERGE, JSON_PATCH, STRATEGIC, APPLY].includes(type)) {
    const text = `the body of the request was in an unknown format - accepted media types include: ${[JSON_PATCH, MERGE, STRATEGIC, APPLY].join(', ')}`
    throw new IsthmusError('unsupported_media_type', text)
  }
  if (isTrue(call.query.get('force')) && type !== APPLY) {
    throw invalidError(OPTIONS, '', [forbidden('force', 'may not be specified for non-apply patch')])
  }
  const patch = decodeBody(call.contentType, call.body)
  if (type === APPLY) return applyObject(context, call, patch)
  const next = updateWith(context, call, (current) => {
    const shown = info.subresource === 'scale' ? toScale(current) : present(definition, current)
    return fromPatched(call, patched(type, shown, patch), current)
  })
  return {
    status: 200,
    body: info.subresource === 'scale' ? toScale(next) : renderObject(context, call, next),
  }
}

/** What a subresource makes of the patched object. */
function fromPatched(call: ApiCall, result: unknown, current: KubeObject): NewKubeObject {
  const { definition, info } = call
  if (info.subresource === 'scale') return fromScale(result, current, call)
  const object = validateFields(call, asObject(result, definition))
  const stored = definition.convert ? definition.convert.toStorage(object) : object
  if (info.subresource !== 'ephemeralcontainers' && info.subresource !== 'resize') return stored
  return checkSubresourceChange(call, stored as KubeObject, current)
}

/**
 * Server-side apply, without managed fields: lists with merge keys are merged, what a manager no longer names stays,
 * and nothing conflicts. Creates the object when it is missing and the path is the main resource.
 */
function applyObject(context: ApiContext, call: ApiCall, patch: unknown): ApiResult {
  const { definition, info } = call
  if (!call.query.get('fieldManager')) {
    throw invalidError(OPTIONS, '', [required('fieldManager', 'is required for apply patch')])
  }
  const body = validateFields(call, asObject(patch, definition))
  const found = context.store.get<KubeObject>(definition.storage, keyOf(call))
  if (!found && !info.subresource) {
    if (body.metadata.uid) {
      const text = `Operation cannot be fulfilled on ${definition.plural} "${info.name}": uid mismatch: the provided object specified uid ${body.metadata.uid}, and no existing object was found`
      throw new IsthmusError('conflict', text, { kind: definition.plural, name: info.name })
    }
    const { resourceVersion: _version, ...metadata } = body.metadata
    const created = createFrom(context, call, { ...body, metadata: { ...metadata, name: info.name } })
    return { status: 201, body: renderObject(context, call, created) }
  }
  const next = updateWith(context, call, (current) => {
    if (body.metadata.uid && body.metadata.uid !== current.metadata.uid) {
      const text = `Operation cannot be fulfilled on ${definition.plural} "${info.name}": Precondition failed: UID in precondition: ${body.metadata.uid}, UID in object meta: ${current.metadata.uid}`
      throw new IsthmusError('conflict', text, { kind: definition.plural, name: info.name })
    }
    const { resourceVersion } = body.metadata
    if (resourceVersion && resourceVersion !== current.metadata.resourceVersion) {
      const text = `Operation cannot be fulfilled on ${definition.plural} "${info.name}": the object has been modified; please apply your changes to the latest version and try again`
      throw new IsthmusError('conflict', text, { kind: definition.plural, name: info.name })
    }
    return fromPatched(call, applied(present(definition, current), body), current)
  })
  return { status: 200, body: renderObject(context, call, next) }
}
