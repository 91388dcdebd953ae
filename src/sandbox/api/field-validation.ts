import { findUnknownFields, withoutUnknownFields } from '../../kube/schema/index.ts'
import { IsthmusError } from '../../protocol/errors/index.ts'
import type { NewKubeObject } from '../store/index.ts'
import type { ApiCall } from './context.ts'
import { checkDecodable } from './resources/decoding.ts'

/** Kinds whose schema is known here; of others every field is taken. */
const KNOWN = new Set(['Pod', 'ConfigMap', 'Secret', 'Namespace'])

/**
 * Handles fields that the kind does not have, as `fieldValidation` says: 400 under Strict, dropped with a warning
 * under Warn (the default), dropped under Ignore. @throws bad_request.
 */
export function validateFields(call: ApiCall, object: NewKubeObject): NewKubeObject {
  const { kind } = call.definition
  if (call.definition.group === '') checkDecodable(kind, object)
  if (call.definition.group !== '' || !KNOWN.has(kind)) return object
  const unknown = findUnknownFields(kind, object)
  if (unknown.length === 0) return object
  const mode = call.query.get('fieldValidation') || 'Warn'
  const texts = unknown.map((path) => `unknown field "${path}"`)
  if (mode === 'Strict') {
    throw new IsthmusError(
      'bad_request',
      `${kind} in version "v1" cannot be handled as a ${kind}: strict decoding error: ${texts.join(', ')}`,
    )
  }
  if (mode === 'Warn') call.warnings.push(...texts)
  return withoutUnknownFields(kind, object)
}
