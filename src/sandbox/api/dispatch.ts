import { IsthmusError } from '../../protocol/errors/index.ts'
import type { ApiCall, ApiContext, ApiResult } from './context.ts'
import { noSuchPath } from './errors.ts'
import { deleteCollection, deleteObject } from './handlers/delete.ts'
import { listObjects } from './handlers/list.ts'
import { patchObject } from './handlers/patch.ts'
import { bindPod, evictPod } from './handlers/pod-subresources.ts'
import { getObject, readObject } from './handlers/read.ts'
import { replaceSubresource } from './handlers/replace.ts'
import { toScale } from './handlers/scale.ts'
import { createToken } from './handlers/token.ts'
import { createObject } from './handlers/write.ts'

/** Answers a call that is neither a watch nor a stream. @throws IsthmusError. */
export function dispatch(context: ApiContext, call: ApiCall): ApiResult {
  const { subresource, name, verb } = call.info
  if (subresource) {
    if (!call.definition.subresources.some((each) => each.name === subresource)) throw noSuchPath()
    return dispatchSubresource(context, call)
  }
  switch (verb) {
    case 'get':
      return getObject(context, call)
    case 'list':
      return listObjects(context, call)
    case 'create':
      if (name) throw methodNotAllowed()
      if (call.definition.namespaced && !call.info.namespace) throw methodNotAllowed()
      return createObject(context, call)
    case 'update':
      if (!name) throw methodNotAllowed()
      return replaceSubresource(context, call)
    case 'patch':
      if (!name) throw methodNotAllowed()
      return patchObject(context, call)
    case 'delete':
      return deleteObject(context, call)
    case 'deletecollection':
      return deleteCollection(context, call)
    default:
      throw methodNotAllowed()
  }
}

function dispatchSubresource(context: ApiContext, call: ApiCall): ApiResult {
  const { subresource, verb } = call.info
  if (verb === 'create') {
    if (subresource === 'binding') return bindPod(context, call)
    if (subresource === 'eviction') return evictPod(context, call)
    if (subresource === 'token') return createToken(context, call)
    throw methodNotAllowed()
  }
  const known = call.definition.subresources.find((each) => each.name === subresource)
  if (!known?.verbs.includes(verb)) throw methodNotAllowed()
  if (verb === 'get') {
    return subresource === 'scale'
      ? { status: 200, body: toScale(readObject(context, call)) }
      : getObject(context, call)
  }
  return verb === 'patch' ? patchObject(context, call) : replaceSubresource(context, call)
}

function methodNotAllowed(): IsthmusError {
  return new IsthmusError(
    'method_not_allowed',
    'the server does not allow this method on the requested resource',
  )
}
