import { IsthmusError } from '../../protocol/errors/index.ts'
import { applyJsonPatch } from './json-patch.ts'
import { badPatch, isObject, type JsonObject, type JsonValue } from './json-value.ts'
import { applyMergePatch } from './merge-patch.ts'
import { applyStrategicMergePatch } from './strategic.ts'

/** The media types of patches that can be applied here; `application/apply-patch+yaml` can not. */
export const patchTypes = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
} as const

/**
 * Applies a patch of one of the three types to a copy of the document.
 * @param kind `<apiVersion>/<kind>`, for the merge keys
 * @throws IsthmusError unsupported_media_type, bad_request, invalid
 */
export function applyPatch(options: {
  contentType: string
  kind: string
  document: JsonObject
  patch: JsonValue
}): JsonObject {
  const { kind, document, patch } = options
  let result: JsonValue
  switch (options.contentType.split(';')[0]!.trim().toLowerCase()) {
    case patchTypes.json:
      result = applyJsonPatch(document, patch)
      break
    case patchTypes.merge:
      if (!isObject(patch)) throw badPatch('a merge patch must be an object')
      result = applyMergePatch(document, patch)
      break
    case patchTypes.strategic:
      result = applyStrategicMergePatch(kind, document, patch)
      break
    default:
      throw new IsthmusError(
        'unsupported_media_type',
        `the body of a patch must be one of: ${Object.values(patchTypes).join(', ')}`,
      )
  }
  if (!isObject(result)) throw badPatch('the patch leaves no object')
  return result
}
