import { isKubeApiError } from '../../../../kube/client/types.ts'
import { IsthmusError, isIsthmusError } from '../../../../protocol/errors/index.ts'
import { askedAfterApply, configForDataPlane, withAsked } from '../../../kubernetes/apply-config.ts'
import { NAMESPACE_NAME_LABEL } from '../../../kubernetes/keys.ts'
import type { KubeObject } from '../../../kubernetes/objects.ts'
import { errorForTenant, invalidObject } from '../../../kubernetes/upstream-errors.ts'
import { type KubeAnswer, type KubeCall, subjectOf, upstreamHeaders } from '../call.ts'
import type { KubernetesFaceDeps } from '../deps.ts'
import { checkIdentity } from '../objects/change.ts'
import { APPLY_TYPE, applyQuery, readApplyConfig } from '../objects/read-apply.ts'
import { render } from '../render.ts'
import { changeFaults, checkedNew } from './check.ts'
import { makeNamespace } from './create.ts'
import { readNamespace, shownNamespace } from './find.ts'

const ATTEMPTS = 5

/**
 * Server-side apply of a virtual namespace, as of any object (objects/apply.ts): one that is there is dry-run, judged
 * and written with UID and version pinned; one that is not is made as by a create, and stays an apply upstream.
 */
export async function applyNamespace(call: KubeCall, deps: KubernetesFaceDeps): Promise<KubeAnswer> {
  const config = readApplyConfig(call)
  const query = applyQuery(call)
  for (let attempt = 1; ; attempt++) {
    const current = await findNamespace(call, deps)
    try {
      if (current === undefined) return await applyNew(call, deps, config, query)
      return await applyChange(call, config, current, query)
    } catch (error) {
      const moved = isKubeApiError(error, 409) && !error.status.details?.causes?.length
      const again = moved || isIsthmusError(error, 'already_exists')
      if (again && attempt < ATTEMPTS && !config.metadata?.resourceVersion) continue
      throw errorForTenant(call.view, error, subjectOf(call))
    }
  }
}

async function findNamespace(call: KubeCall, deps: KubernetesFaceDeps): Promise<KubeObject | undefined> {
  try {
    return await readNamespace(call, deps)
  } catch (error) {
    if (isIsthmusError(error, 'not_found')) return undefined
    throw error
  }
}

async function applyNew(
  call: KubeCall,
  deps: KubernetesFaceDeps,
  config: KubeObject,
  query: Record<string, string>,
): Promise<KubeAnswer> {
  if (config.metadata?.uid) {
    throw new IsthmusError('conflict', `namespaces "${call.name}" is not there, but a UID was given`)
  }
  return makeNamespace(call, deps, checkedNew(call, config), (body) => send(call, body, query))
}

async function applyChange(
  call: KubeCall,
  config: KubeObject,
  current: KubeObject,
  query: Record<string, string>,
): Promise<KubeAnswer> {
  const shown = shownNamespace(call, current)
  const pins = { uid: config.metadata?.uid, resourceVersion: config.metadata?.resourceVersion }
  checkIdentity(call, shown, { ...shown, metadata: { ...shown.metadata, ...pins } })
  const body = configForDataPlane(withoutNameLabel(config), current)
  delete body.spec
  delete body.status
  const tried = await send(call, body, { ...query, dryRun: 'All' })
  const asked = askedAfterApply(withoutNameLabel(config), current, tried)
  const result = shownNamespace(call, withAsked(tried, asked))
  // What is said of phase, spec and the name's label is left out above, and judged all the same.
  const said = { ...shown.metadata?.labels, ...config.metadata?.labels }[NAMESPACE_NAME_LABEL]
  const labels = {
    ...result.metadata?.labels,
    ...(said === undefined ? {} : { [NAMESPACE_NAME_LABEL]: said }),
  }
  const judged = {
    ...result,
    metadata: { ...result.metadata, labels },
    spec: config.spec,
    status: config.status,
  }
  const faults = changeFaults(call, shown, judged)
  if (faults.length > 0) throw invalidObject('Namespace', call.name ?? '', faults)
  if (query.dryRun !== undefined) return { status: 200, body: render(call, result) }
  const made = await send(call, withAsked(body, asked), { ...query, force: 'true' })
  return { status: 200, body: render(call, shownNamespace(call, made)) }
}

function withoutNameLabel(config: KubeObject): KubeObject {
  const { [NAMESPACE_NAME_LABEL]: _, ...labels } = config.metadata?.labels ?? {}
  return { ...config, metadata: { ...config.metadata, labels } }
}

function send(call: KubeCall, body: KubeObject, query: Record<string, string>): Promise<KubeObject> {
  return call.client.json<KubeObject>({
    method: 'PATCH',
    path: ['api', 'v1', 'namespaces', body.metadata?.name ?? ''],
    query,
    headers: { ...upstreamHeaders(call), 'content-type': APPLY_TYPE },
    body,
  })
}
