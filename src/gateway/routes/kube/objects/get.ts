import { IsthmusError } from '../../../../protocol/errors/index.ts'
import type { NamespaceRecord } from '../../../directory/index.ts'
import { isOwn } from '../../../kubernetes/metadata.ts'
import type { KubeObject } from '../../../kubernetes/objects.ts'
import { errorForTenant, objectNotFound } from '../../../kubernetes/upstream-errors.ts'
import { type KubeAnswer, type KubeCall, subjectOf, upstreamHeaders, upstreamPath } from '../call.ts'
import type { KubernetesFaceDeps } from '../deps.ts'
import { single } from '../query.ts'
import { render } from '../render.ts'
import { findNamespace } from '../tenant-namespace.ts'
import { codecOf } from './codec.ts'
import { isNamespaceGoing } from './going-namespace.ts'
import { checkedName } from './names.ts'

/** GET of one object by name. */
export async function getObject(call: KubeCall, deps: KubernetesFaceDeps): Promise<KubeAnswer> {
  const name = checkedName(call)
  const namespace = await findNamespace(deps.directory, call.principal.nodeId, call.namespace ?? '')
  if (namespace === undefined) throw objectNotFound(call.resource, name)
  const object = await readOwn(call, namespace, name, {
    resourceVersion: single(call.query, 'resourceVersion'),
  })
  return { status: 200, body: render(call, codecOf(call.resource).toTenant(call.view, object)) }
}

/**
 * The object as it is in the data plane, when it is this node's: what is not, is not found, in the same bytes.
 * @throws IsthmusError not_found, unavailable, …
 */
export async function readOwn(
  call: KubeCall,
  namespace: Pick<NamespaceRecord, 'physicalName'>,
  name: string,
  query: { resourceVersion?: string } = {},
): Promise<KubeObject> {
  try {
    const object = await call.client.json<KubeObject>({
      method: 'GET',
      path: upstreamPath(call, namespace.physicalName, name),
      query,
      headers: upstreamHeaders(call),
      signal: call.signal,
    })
    if (isOwn(call.view, object)) return object
  } catch (error) {
    if (await isNamespaceGoing(call, namespace.physicalName, error)) throw objectNotFound(call.resource, name)
    throw errorForTenant(call.view, error, subjectOf(call, name))
  }
  throw objectNotFound(call.resource, name)
}

/** The same, with undefined for an object that is not there. */
export async function findOwn(
  call: KubeCall,
  namespace: Pick<NamespaceRecord, 'physicalName'>,
  name: string,
): Promise<KubeObject | undefined> {
  try {
    return await readOwn(call, namespace, name)
  } catch (error) {
    if (error instanceof IsthmusError && error.code === 'not_found') return undefined
    throw error
  }
}
