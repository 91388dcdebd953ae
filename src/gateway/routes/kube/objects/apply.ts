import { IsthmusError } from '../../../../protocol/errors/index.ts'
import type { KubeObject } from '../../../kubernetes/objects.ts'
import type { KubeAnswer, KubeCall } from '../call.ts'
import type { KubernetesFaceDeps } from '../deps.ts'

/** Server-side apply. */
export async function applyObject(_call: KubeCall, _deps: KubernetesFaceDeps): Promise<KubeAnswer> {
  const object: KubeObject = {}
  throw new IsthmusError('not_implemented', 'server-side apply is not served yet', { kind: object.kind })
}
