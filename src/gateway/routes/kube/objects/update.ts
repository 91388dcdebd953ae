import { groupVersion } from '../../../kubernetes/resources.ts'
import { readObject } from '../body.ts'
import type { KubeAnswer, KubeCall } from '../call.ts'
import type { KubernetesFaceDeps } from '../deps.ts'
import { changeObject } from './change.ts'

/** PUT of one object. Without a resourceVersion it is unconditional, as for these kinds in Kubernetes. */
export async function updateObject(call: KubeCall, deps: KubernetesFaceDeps): Promise<KubeAnswer> {
  const { resource } = call
  const body = readObject(call, { kind: resource.kind, apiVersion: groupVersion(resource) })
  return changeObject(call, deps, () => structuredClone(body))
}
