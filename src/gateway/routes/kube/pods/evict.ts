import { IsthmusError } from '../../../../protocol/errors/index.ts'
import { isRecord } from '../../../kubernetes/objects.ts'
import { errorForTenant } from '../../../kubernetes/upstream-errors.ts'
import { readObject, withKnownFields } from '../body.ts'
import { type KubeAnswer, type KubeCall, subjectOf, upstreamHeaders, upstreamPath } from '../call.ts'
import type { KubernetesFaceDeps } from '../deps.ts'
import { readOwn } from '../objects/get.ts'
import { checkedName } from '../objects/names.ts'
import { inNamespace } from '../objects/prepare.ts'
import { isDryRun } from '../query.ts'
import { requireNamespace } from '../tenant-namespace.ts'

/** POST of an eviction: the body's namespace mapped, 429 and Retry-After kept (rule 19). */
export async function evictPod(call: KubeCall, deps: KubernetesFaceDeps): Promise<KubeAnswer> {
  const name = checkedName(call)
  const read = readObject(call, { kind: 'Eviction', apiVersion: 'policy/v1' })
  const eviction = inNamespace(call, withKnownFields(call, 'Eviction', read))
  if (eviction.metadata?.name && eviction.metadata.name !== name) {
    throw new IsthmusError('bad_request', 'name in URL does not match name in Eviction object')
  }
  const { physicalName } = await requireNamespace(deps.directory, call)
  const current = await readOwn(call, { physicalName }, name)
  const options = isRecord(eviction.deleteOptions) ? { ...eviction.deleteOptions } : {}
  if (options.gracePeriodSeconds === 0) options.gracePeriodSeconds = 1
  const preconditions = {
    uid: current.metadata?.uid,
    ...(isRecord(options.preconditions) ? options.preconditions : {}),
  }
  try {
    await call.client.json({
      method: 'POST',
      path: upstreamPath(call, physicalName, name, 'eviction'),
      query: isDryRun(call.query) ? { dryRun: 'All' } : {},
      headers: upstreamHeaders(call),
      body: {
        apiVersion: 'policy/v1',
        kind: 'Eviction',
        metadata: { name, namespace: physicalName },
        deleteOptions: { ...options, preconditions },
      },
    })
  } catch (error) {
    throw errorForTenant(call.view, error, subjectOf(call, name))
  }
  return { status: 201, body: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success' } }
}
