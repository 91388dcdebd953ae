import { eventForTenant } from '../../../kubernetes/event-view.ts'
import type { EventObject } from '../../../kubernetes/objects.ts'
import { errorForTenant, objectNotFound } from '../../../kubernetes/upstream-errors.ts'
import { type KubeAnswer, type KubeCall, subjectOf, upstreamHeaders, upstreamPath } from '../call.ts'
import type { KubernetesFaceDeps } from '../deps.ts'
import { checkedName } from '../objects/names.ts'
import { render } from '../render.ts'
import { findNamespace } from '../tenant-namespace.ts'

/** GET of one event: it has no labels, its namespace says whose it is. */
export async function getEvent(call: KubeCall, deps: KubernetesFaceDeps): Promise<KubeAnswer> {
  const name = checkedName(call)
  const namespace = await findNamespace(deps.directory, call.principal.nodeId, call.namespace ?? '')
  if (namespace === undefined) throw objectNotFound(call.resource, name)
  try {
    const event = await call.client.json<EventObject>({
      method: 'GET',
      path: upstreamPath(call, namespace.physicalName, name),
      headers: upstreamHeaders(call),
      signal: call.signal,
    })
    const shown = eventForTenant(call.view, event)
    if (shown !== undefined) return { status: 200, body: render(call, shown) }
  } catch (error) {
    throw errorForTenant(call.view, error, subjectOf(call))
  }
  throw objectNotFound(call.resource, name)
}
