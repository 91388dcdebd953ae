import { isKubeApiError } from '../../../../kube/client/types.ts'
import { IsthmusError } from '../../../../protocol/errors/index.ts'
import type { NamespaceRecord } from '../../../directory/index.ts'
import { askedAfterApply, configForDataPlane, withAsked } from '../../../kubernetes/apply-config.ts'
import { hiddenFaults, withClaims } from '../../../kubernetes/hidden.ts'
import { isRecord, type KubeObject, type Pod } from '../../../kubernetes/objects.ts'
import { plainForDataPlane } from '../../../kubernetes/plain-view.ts'
import { groupVersion } from '../../../kubernetes/resources.ts'
import { errorForTenant, invalidObject } from '../../../kubernetes/upstream-errors.ts'
import { parseJson, withKnownFields } from '../body.ts'
import { type KubeAnswer, type KubeCall, subjectOf, upstreamHeaders, upstreamPath } from '../call.ts'
import type { KubernetesFaceDeps } from '../deps.ts'
import { makePod } from '../pods/make-pod.ts'
import { flag, writeQuery } from '../query.ts'
import { render } from '../render.ts'
import { requireNamespace } from '../tenant-namespace.ts'
import { checkIdentity } from './change.ts'
import { codecOf } from './codec.ts'
import { findOwn } from './get.ts'
import { checkedName } from './names.ts'
import { checkNewObject, inNamespace } from './prepare.ts'
import { shapeFaults } from './shape.ts'

const APPLY_TYPE = 'application/apply-patch+yaml'
const ATTEMPTS = 5

/**
 * Server-side apply. Who owns which field is the data plane's to know, so the apply stays one (rule 14): an object
 * that is there is dry-run first, the result judged, and the write pinned to the UID and version that were read;
 * one that is not there is made after policy and reservation like any other.
 */
export async function applyObject(call: KubeCall, deps: KubernetesFaceDeps): Promise<KubeAnswer> {
  const name = checkedName(call)
  const config = readConfig(call)
  const query = { ...writeQuery(call), force: String(flag(call.query, 'force')) }
  if (!call.query.get('fieldManager')) {
    throw new IsthmusError(
      'bad_request',
      'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
    )
  }
  const namespace = await requireNamespace(deps.directory, call)
  for (let attempt = 1; ; attempt++) {
    const current = await findOwn(call, namespace, name)
    if (current === undefined) return applyNew(call, deps, namespace, config, query)
    try {
      return await applyChange(call, namespace, { config, current, query })
    } catch (error) {
      const moved = isKubeApiError(error, 409) && !error.status.details?.causes?.length
      if (moved && attempt < ATTEMPTS && !config.metadata?.resourceVersion) continue
      throw errorForTenant(call.view, error, subjectOf(call, name))
    }
  }
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
      async (pod) => (await send(call, namespace, pod, query)) as Pod,
    )
  }
  try {
    const made = await send(
      call,
      namespace,
      plainForDataPlane(call.view, config, namespace.physicalName),
      query,
    )
    return { status: 201, body: render(call, codecOf(call.resource).toTenant(call.view, made)) }
  } catch (error) {
    throw errorForTenant(call.view, error, subjectOf(call))
  }
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

/** The configuration in the body; JSON, which is what kubectl and client-go write under the type's name. */
function readConfig(call: KubeCall): KubeObject {
  const value = parseJson(call.body)
  if (!isRecord(value)) throw new IsthmusError('bad_request', 'the apply configuration is not an object')
  const config = withKnownFields(call, call.resource.kind, value as KubeObject)
  const apiVersion = groupVersion(call.resource)
  if (config.kind !== call.resource.kind || config.apiVersion !== apiVersion) {
    throw new IsthmusError(
      'bad_request',
      `the apply configuration must be ${apiVersion}, ${call.resource.kind}`,
    )
  }
  const name = config.metadata?.name ?? call.name
  if (name !== call.name) {
    throw new IsthmusError('bad_request', 'the name of the object does not match the name on the URL')
  }
  if (config.metadata?.managedFields?.length) {
    throw new IsthmusError('bad_request', 'metadata.managedFields must be nil')
  }
  const faults = shapeFaults(config, true)
  if (faults.length > 0) throw invalidObject(call.resource.kind, name ?? '', faults)
  return inNamespace(call, { ...config, metadata: { ...config.metadata, name } })
}
