import { isRecord } from '../../../kubernetes/objects.ts'
import { servedResources } from '../../../kubernetes/resources.ts'
import { mayDo } from '../authorise.ts'
import { readObject } from '../body.ts'
import type { KubeAnswer, KubeCall } from '../call.ts'

/** POST of a SelfSubjectAccessReview: `kubectl auth can-i`, answered from what is served and the credential's access. */
export async function reviewAccess(call: KubeCall): Promise<KubeAnswer> {
  const review = readObject(call, { kind: 'SelfSubjectAccessReview', apiVersion: 'authorization.k8s.io/v1' })
  const spec = isRecord(review.spec) ? review.spec : {}
  const allowed = isRecord(spec.resourceAttributes) ? isAllowed(call, spec.resourceAttributes) : false
  const status = allowed ? { allowed } : { allowed, reason: 'not served, or not with this credential' }
  return { status: 201, body: { ...review, spec, status } }
}

function isAllowed(call: KubeCall, wanted: Record<string, unknown>): boolean {
  const { verb, group = '', resource: name, subresource, namespace } = wanted
  const resource = servedResources.find((one) => one.group === group && one.name === name)
  if (resource === undefined || typeof verb !== 'string') return false
  const verbs = subresource
    ? resource.subresources?.find((sub) => sub.name === subresource)?.verbs
    : resource.verbs
  const known = verbs?.find((one) => one === verb)
  if (known === undefined) return false
  // Rule 7 and rule 19: these are not served over all namespaces.
  const all = resource.namespaced && !namespace
  if (all && (name === 'secrets' || name === 'configmaps' || known === 'deletecollection')) return false
  return mayDo(call.principal, {
    verb: known,
    resource,
    subresource: subresource ? String(subresource) : undefined,
  })
}
