import type { Query } from '../../../../kube/client/types.ts'
import { IsthmusError } from '../../../../protocol/errors/index.ts'
import { openContinue, type TokenScope } from '../../../kubernetes/continue-token.ts'
import { eventForTenant } from '../../../kubernetes/event-view.ts'
import { isOwn } from '../../../kubernetes/metadata.ts'
import { namespaceForTenant } from '../../../kubernetes/namespace-view.ts'
import type { EventObject, KubeObject, Pod } from '../../../kubernetes/objects.ts'
import { plainForTenant } from '../../../kubernetes/plain-view.ts'
import { podForTenant } from '../../../kubernetes/pod-view.ts'
import { mapSelectors } from '../../../kubernetes/selectors.ts'
import type { KubeCall } from '../call.ts'
import type { KubernetesFaceDeps } from '../deps.ts'
import { integer, single } from '../query.ts'

/** Maps one object of a collection; undefined for what the tenant does not have. */
export type ItemMapper = (object: KubeObject) => KubeObject | undefined

/** How objects of this call's resource become the tenant's, each checked to be this node's. */
export function itemMapper(call: KubeCall): ItemMapper {
  const { view, resource } = call
  if (resource.name === 'events') return (object) => eventForTenant(view, object as EventObject)
  const map: ItemMapper =
    resource.name === 'pods'
      ? (object) => podForTenant(view, object as Pod)
      : resource.name === 'namespaces'
        ? (object) => namespaceForTenant(view, object)
        : (object) => plainForTenant(view, object)
  return (object) => (isOwn(view, object) ? map(object) : undefined)
}

/** Selectors, paging and versions of a list, for the data plane. @throws IsthmusError bad_request */
export function collectionQuery(call: KubeCall, deps: Pick<KubernetesFaceDeps, 'continueKey'>): Query {
  const { query } = call
  const token = single(query, 'continue')
  return {
    ...mapSelectors(call.view, call.resource, {
      labelSelector: single(query, 'labelSelector'),
      fieldSelector: single(query, 'fieldSelector'),
    }),
    limit: integer(query, 'limit'),
    continue: token === undefined ? undefined : openContinue(deps.continueKey, tokenScope(call), token),
    resourceVersion: resourceVersion(call),
    resourceVersionMatch: single(query, 'resourceVersionMatch'),
    timeoutSeconds: integer(query, 'timeoutSeconds'),
  }
}

/** What continue tokens of this call are bound to (rule 12). */
export function tokenScope(call: KubeCall): TokenScope {
  return {
    nodeId: call.principal.nodeId,
    resource: `${call.resource.name}.${call.resource.group}`,
    namespace: call.namespace ?? '',
    labelSelector: call.query.get('labelSelector') ?? '',
    fieldSelector: call.query.get('fieldSelector') ?? '',
  }
}

/** The data plane's own resourceVersions, since a virtual node is bound to one data plane (design.md §5). */
export function resourceVersion(call: KubeCall): string | undefined {
  const value = single(call.query, 'resourceVersion')
  if (value === undefined || /^\d{1,20}$/.test(value)) return value
  throw new IsthmusError(
    'bad_request',
    `resourceVersion: Invalid value: ${JSON.stringify(value.slice(0, 64))}`,
  )
}

/** Rule 7: with rights per namespace these can not be listed or watched over all of them. */
export function refuseAllNamespaces(call: KubeCall): void {
  const { resource, verb, principal } = call
  if (call.namespace !== undefined || (resource.name !== 'secrets' && resource.name !== 'configmaps')) return
  throw new IsthmusError(
    'forbidden',
    `${resource.name} is forbidden: User "isthmus:${principal.tenantName}:${principal.nodeName}" cannot ${verb} resource "${resource.name}" in API group "" at the cluster scope`,
    { kind: resource.name },
  )
}
