import { isKubeApiError } from '../../../../kube/client/types.ts'
import { IsthmusError, isIsthmusError } from '../../../../protocol/errors/index.ts'
import type { NamespaceRecord } from '../../../directory/index.ts'
import { askedAfterApply, configForDataPlane, withAsked } from '../../../kubernetes/apply-config.ts'
import { hiddenFaults, withClaims } from '../../../kubernetes/hidden.ts'
import type { KubeObject, Pod } from '../../../kubernetes/objects.ts'
import { plainForDataPlane } from '../../../kubernetes/plain-view.ts'
import { errorForTenant, invalidObject } from '../../../kubernetes/upstream-errors.ts'
import { type KubeAnswer, type KubeCall, subjectOf, upstreamHeaders, upstreamPath } from '../call.ts'
import type { KubernetesFaceDeps } from '../deps.ts'
import { makePod } from '../pods/make-pod.ts'
import { render } from '../render.ts'
import { requireNamespace } from '../tenant-namespace.ts'
import { checkIdentity } from './change.ts'
import { codecOf } from './codec.ts'
import { findOwn } from './get.ts'
import { checkedName } from './names.ts'
import { checkNewObject } from './prepare.ts'
import { APPLY_TYPE, applyQuery, readApplyConfig } from './read-apply.ts'

const ATTEMPTS = 5

/**
 * Pins an apply to an object that is not there: no object has had this version since etcd's first write. The API
 * server makes a missing object whatever version is named, and answers 409 where one has come meanwhile (rule 14),
 * which would else be changed without having been judged, with a reservation that is another's.
 */
const NO_VERSION = '1'

/**
 * Server-side apply. Who owns which field is the data plane's to know, so the apply stays one (rule 14): an object
 * that is there is dry-run first, the result judged, and the write pinned to the UID and version that were read;
 * one that is not there is made after policy and reservation like any other.
 */
export async function applyObject(call: KubeCall, deps: KubernetesFaceDeps): Promise<KubeAnswer> {
  const name = checkedName(call)
  const config = readApplyConfig(call)
  const query = applyQuery(call)
  const namespace = await requireNamespace(deps.directory, call)
  for (let attempt = 1; ; attempt++) {
    const current = await findOwn(call, namespace, name)
    try {
      if (current === undefined) return await applyNew(call, deps, namespace, config, query)
      return await applyChange(call, namespace, { config, current, query })
    } catch (error) {
      const again = attempt < ATTEMPTS && !config.metadata?.resourceVersion && !config.metadata?.uid
      if (again && (await hasMoved(call, namespace, current, error))) continue
      throw errorForTenant(call.view, error, subjectOf(call, name))
    }
  }
}

/** Whether the apply failed because the object has come, changed or gone since it was read. */
async function hasMoved(
  call: KubeCall,
  namespace: NamespaceRecord,
  current: KubeObject | undefined,
  error: unknown,
): Promise<boolean> {
  if (current !== undefined) return isKubeApiError(error, 409) && !error.status.details?.causes?.length
  if (isIsthmusError(error, 'conflict')) return true
  // The quota may be held by the very object that came first.
  if (!isIsthmusError(error, 'quota_exceeded')) return false
  return (await findOwn(call, namespace, call.name ?? '')) !== undefined
}

interface Change {
  config: KubeObject
  current: KubeObject
  query: Record<string, string>
}

async function applyChange(
  call: KubeCall,
  namespace: NamespaceRecord,
  { config, current, query }: Change,
): Promise<KubeAnswer> {
  const codec = codecOf(call.resource)
  const shown = codec.toTenant(call.view, current)
  const pins = { uid: config.metadata?.uid, resourceVersion: config.metadata?.resourceVersion }
  checkIdentity(call, shown, { ...shown, metadata: { ...shown.metadata, ...pins } })
  const hidden = hiddenFaults(config, current)
  if (hidden.length > 0) throw invalidObject(call.resource.kind, call.name ?? '', hidden)
  const body = configForDataPlane(config, current)
  const tried = await send(call, namespace, body, { ...query, dryRun: 'All' })
  const asked = askedAfterApply(config, current, tried)
  const result = codec.toTenant(call.view, withAsked(tried, asked))
  const faults = codec.faults(call.view, shown, withClaims(result, config))
  if (faults.length > 0) throw invalidObject(call.resource.kind, call.name ?? '', faults)
  if (query.dryRun !== undefined) return { status: 200, body: render(call, result) }
  // Pinned to the version that the dry run found without conflicts: forced is only the gateway's own record.
  const made = await send(call, namespace, withAsked(body, asked), { ...query, force: 'true' })
  return { status: 200, body: render(call, codec.toTenant(call.view, made)) }
}

async function applyNew(
  call: KubeCall,
  deps: KubernetesFaceDeps,
  namespace: NamespaceRecord,
  config: KubeObject,
  query: Record<string, string>,
): Promise<KubeAnswer> {
  if (config.metadata?.uid) {
    throw new IsthmusError(
      'conflict',
      `${call.resource.name} "${call.name}" is not there, but a UID was given`,
    )
  }
  checkNewObject(call, config)
  if (call.resource.name === 'pods') {
    return makePod(
      call,
      deps,
      namespace,
      config as Pod,
      async (pod) => (await send(call, namespace, onlyNew(pod), query)) as Pod,
    )
  }
  try {
    const made = await send(
      call,
      namespace,
      onlyNew(plainForDataPlane(call.view, config, namespace.physicalName)),
      query,
    )
    return { status: 201, body: render(call, codecOf(call.resource).toTenant(call.view, made)) }
  } catch (error) {
    throw errorForTenant(call.view, error, subjectOf(call))
  }
}

function onlyNew<T extends KubeObject>(object: T): T {
  return { ...object, metadata: { ...object.metadata, resourceVersion: NO_VERSION } }
}

function send(
  call: KubeCall,
  namespace: NamespaceRecord,
  body: KubeObject,
  query: Record<string, string>,
): Promise<KubeObject> {
  return call.client.json<KubeObject>({
    method: 'PATCH',
    path: upstreamPath(call, namespace.physicalName, call.name ?? ''),
    query,
    headers: { ...upstreamHeaders(call), 'content-type': APPLY_TYPE },
    body,
  })
}
