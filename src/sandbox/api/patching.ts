import { applyPatch, type JsonObject, type JsonValue } from '../../kube/patch/index.ts'
import { isIsthmusError } from '../../protocol/errors/index.ts'
import type { KubeObject, NewKubeObject } from '../store/index.ts'

export const MERGE = 'application/merge-patch+json'
export const JSON_PATCH = 'application/json-patch+json'
export const STRATEGIC = 'application/strategic-merge-patch+json'
export const APPLY = 'application/apply-patch+yaml'

/** Patches a copy; the merge keys are those of the object's apiVersion and kind. @throws bad_request, invalid. */
export function patched(contentType: string, current: KubeObject, patch: unknown): unknown {
  const document = current as JsonObject
  const kind = `${current.apiVersion}/${current.kind}`
  try {
    return applyPatch({ contentType, kind, document, patch: patch as JsonValue })
  } catch (error) {
    if (contentType !== STRATEGIC || !isIsthmusError(error, 'unsupported_media_type')) throw error
    return withoutMergeKeys(document, patch as JsonValue)
  }
}

/**
 * Kinds without a table of merge keys (workloads, roles): metadata and the pod template are merged by the keys of a
 * Pod, lists elsewhere are replaced, as those of these kinds are atomic for the most part.
 */
function withoutMergeKeys(document: JsonObject, patch: JsonValue): JsonObject {
  const { metadata, spec, ...rest } = patch as {
    metadata?: JsonObject
    spec?: JsonObject | null
    [key: string]: JsonValue | undefined
  }
  const asPod = (before: JsonValue | undefined, change: JsonObject) =>
    applyPatch({
      contentType: STRATEGIC,
      kind: 'v1/Pod',
      document: (before ?? {}) as JsonObject,
      patch: change,
    })
  const merge = (before: JsonObject, change: JsonValue) =>
    applyPatch({ contentType: MERGE, kind: '', document: before, patch: change })
  let result = merge(document, rest as JsonValue)
  if (metadata)
    result = {
      ...result,
      metadata: asPod({ metadata: result['metadata'] ?? {} }, { metadata })['metadata'] ?? {},
    }
  if (spec === null) result = merge(result, { spec })
  if (!spec) return result
  const { template, ...others } = spec
  const before = (result['spec'] ?? {}) as JsonObject
  const after = merge(before, others)
  if (template !== undefined)
    after['template'] = template === null ? null : asPod(before['template'], template as JsonObject)
  return { ...result, spec: after }
}

/** Server-side apply: a strategic merge of what the manager names. */
export function applied(current: KubeObject, body: NewKubeObject): unknown {
  const { managedFields: _managed, resourceVersion: _version, ...metadata } = body.metadata
  return patched(STRATEGIC, current, { ...body, metadata })
}
