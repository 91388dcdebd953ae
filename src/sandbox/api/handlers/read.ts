import { IsthmusError } from '../../../protocol/errors/index.ts'
import type { KubeObject } from '../../store/index.ts'
import type { ApiCall, ApiContext, ApiResult } from '../context.ts'
import { negotiate } from '../negotiate.ts'
import { partialMetadata } from '../render/partial.ts'
import { type IncludeObject, toTable } from '../render/table.ts'
import type { ResourceDefinition } from '../resources/definition.ts'
import { checkVersionParameter } from './versions.ts'

/** GET of one object. */
export function getObject(context: ApiContext, call: ApiCall): ApiResult {
  return { status: 200, body: renderObject(context, call, readObject(context, call)) }
}

/** The object that a call names, in stored form. @throws not_found. */
export function readObject(context: ApiContext, call: ApiCall): KubeObject {
  const { definition, info } = call
  checkVersionParameter(context, call)
  const found = context.store.get(definition.storage, keyOf(call))
  if (found) return found
  const what = definition.group ? `${definition.plural}.${definition.group}` : definition.plural
  throw new IsthmusError('not_found', `${what} "${info.name}" not found`, {
    name: info.name,
    kind: definition.plural,
    group: definition.group || undefined,
  })
}

/** The store's key of the object that a call names. */
export function keyOf(call: ApiCall): { namespace?: string; name: string } {
  const { definition, info } = call
  return definition.namespaced ? { namespace: info.namespace, name: info.name } : { name: info.name }
}

/** One object as the client wants it. */
export function renderObject(context: ApiContext, call: ApiCall, object: KubeObject): unknown {
  const shown = present(call.definition, object)
  const as = negotiate(headerOf(call, 'accept'), false)
  if (as === 'object') return shown
  if (as === 'partial') return partialMetadata(shown)
  const metadata = { resourceVersion: object.metadata.resourceVersion }
  const options = { include: includeOf(call), nowMs: context.clock.now(), withHeaders: true }
  return toTable(call.definition, [shown], metadata, options)
}

/** The stored form in the version that was asked for. */
export function present(definition: ResourceDefinition, object: KubeObject): KubeObject {
  return definition.convert ? definition.convert.fromStorage(object) : object
}

export function headerOf(call: ApiCall, name: string): string | undefined {
  const value = call.headers[name]
  return Array.isArray(value) ? value.join(',') : value
}

export function includeOf(call: ApiCall): IncludeObject {
  const value = call.query.get('includeObject') ?? 'Metadata'
  if (value === 'None' || value === 'Metadata' || value === 'Object') return value
  throw new IsthmusError('bad_request', `unrecognized includeObject value: ${value}`)
}
