import { namespaceForTenant } from '../../../kubernetes/namespace-view.ts'
import { namespaceNotFound } from '../../../kubernetes/upstream-errors.ts'
import type { KubeAnswer, KubeCall } from '../call.ts'
import type { KubernetesFaceDeps } from '../deps.ts'
import { render } from '../render.ts'
import { readNamespace } from './find.ts'

/** GET of a virtual namespace. */
export async function getNamespace(call: KubeCall, deps: KubernetesFaceDeps): Promise<KubeAnswer> {
  const shown = namespaceForTenant(call.view, await readNamespace(call, deps))
  if (shown === undefined) throw namespaceNotFound(call.name ?? '')
  return { status: 200, body: render(call, shown) }
}
