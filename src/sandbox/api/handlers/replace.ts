import type { KubeObject } from '../../store/index.ts'
import { asObject } from '../body.ts'
import type { ApiCall, ApiContext, ApiResult } from '../context.ts'
import { decodeCallBody } from './decode.ts'
import { checkSubresourceChange } from './pod-subresources.ts'
import { renderObject } from './read.ts'
import { fromScale, toScale } from './scale.ts'
import { replaceObject, updateWith } from './write.ts'

/** PUT, also of the subresources that show something else or take only a part. */
export function replaceSubresource(context: ApiContext, call: ApiCall): ApiResult {
  const { subresource } = call.info
  if (subresource === 'scale') {
    const body = decodeCallBody(call)
    const next = updateWith(context, call, (current) => fromScale(body, current, call))
    return { status: 200, body: toScale(next) }
  }
  if (subresource !== 'ephemeralcontainers' && subresource !== 'resize') return replaceObject(context, call)
  const body = asObject(decodeCallBody(call), call.definition) as KubeObject
  const next = updateWith(context, call, (current) => {
    const merged = checkSubresourceChange(call, body, current)
    const { resourceVersion } = body.metadata
    return { ...merged, metadata: { ...merged.metadata, ...(resourceVersion ? { resourceVersion } : {}) } }
  })
  return { status: 200, body: renderObject(context, call, next) }
}
