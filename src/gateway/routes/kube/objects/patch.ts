import { applyPatch, type JsonObject, type JsonValue } from '../../../../kube/patch/index.ts'
import { IsthmusError } from '../../../../protocol/errors/index.ts'
import { isRecord, type KubeObject } from '../../../kubernetes/objects.ts'
import { groupVersion } from '../../../kubernetes/resources.ts'
import { mediaType, parseJson } from '../body.ts'
import type { KubeAnswer, KubeCall } from '../call.ts'
import type { KubernetesFaceDeps } from '../deps.ts'
import { single } from '../query.ts'
import { applyObject } from './apply.ts'
import { changeObject } from './change.ts'

const APPLY_TYPE = 'application/apply-patch+yaml'

/**
 * PATCH of one object. JSON, merge and strategic merge patches are applied here, to the tenant's view: array
 * indices and merge keys refer to what the tenant sees (rule 14). Server-side apply is the data plane's.
 */
export async function patchObject(call: KubeCall, deps: KubernetesFaceDeps): Promise<KubeAnswer> {
  if (mediaType(call.contentType) === APPLY_TYPE) return applyObject(call, deps)
  return changeObject(call, deps, patchOf(call))
}

/** The change that the call's patch makes to a view. @throws IsthmusError bad_request, unsupported_media_type */
export function patchOf(call: KubeCall): (view: KubeObject) => KubeObject {
  if (single(call.query, 'force') !== undefined) {
    throw new IsthmusError('bad_request', 'force may not be set for a patch that is no apply patch')
  }
  const patch = parseJson(call.body) as JsonValue
  const contentType = call.contentType ?? ''
  // Every object of this face is in one namespace; a patch that names the tenant's changes nothing.
  const kind = `${groupVersion(call.resource)}/${call.resource.kind}`
  return (view) => {
    const result = applyPatch({ contentType, kind, document: view as JsonObject, patch }) as KubeObject
    if (result.metadata === undefined || !isRecord(result.metadata)) {
      throw new IsthmusError('bad_request', 'the patch leaves no metadata')
    }
    return result
  }
}
