import { randomUUID } from 'node:crypto'
import { isKubeApiError, KubeUnreachableError } from '../../../../kube/client/types.ts'
import { effectiveAmounts, type PodResources } from '../../../../kube/effective-requests.ts'
import { isIsthmusError } from '../../../../protocol/errors/index.ts'
import type { NamespaceRecord } from '../../../directory/index.ts'
import { withDefaultRequests } from '../../../kubernetes/default-requests.ts'
import { RESERVATION_LABEL, UID_ANNOTATION } from '../../../kubernetes/keys.ts'
import type { Pod } from '../../../kubernetes/objects.ts'
import { podForDataPlane } from '../../../kubernetes/pod-forward.ts'
import { podForTenant } from '../../../kubernetes/pod-view.ts'
import { errorForTenant } from '../../../kubernetes/upstream-errors.ts'
import { type KubeAnswer, type KubeCall, subjectOf } from '../call.ts'
import type { KubernetesFaceDeps } from '../deps.ts'
import { findOwn } from '../objects/get.ts'
import { isDryRun } from '../query.ts'
import { render } from '../render.ts'
import { refuseForeignReferences } from './foreign-references.ts'

/** How the create ended. `unknown`: the answer was lost and the pod is not to be seen, but may still come. */
type Outcome = { pod: Pod; status: number } | { error: unknown; unknown: boolean }

/**
 * Makes a pod that the policy has let through: reservation, create in the data plane by `submit`, commit with what
 * it returned (rule 18, design.md §4). A retry of a create whose answer was lost finds its pod by the user's UID and
 * is charged once; a dry run reserves nothing.
 */
export async function makePod(
  call: KubeCall,
  deps: KubernetesFaceDeps,
  namespace: NamespaceRecord,
  asked: Pod,
  submit: (pod: Pod) => Promise<Pod>,
): Promise<KubeAnswer> {
  await refuseForeignReferences(call, namespace, asked.spec)
  const reservationId = randomUUID()
  const pod = podForDataPlane(call.view, withDefaultRequests(asked, deps.defaultRequests), {
    namespace: namespace.name,
    physicalNamespace: namespace.physicalName,
    reservationId,
  })
  const reserved = !isDryRun(call.query)
  const existing = reserved ? await reserve(call, deps, namespace, pod) : undefined
  const outcome = existing ?? (await attempt(call, namespace, pod, submit))
  if (reserved && existing === undefined) await settle(deps, reservationId, outcome)
  if ('error' in outcome) throw errorForTenant(call.view, outcome.error, subjectOf(call, pod.metadata.name))
  return { status: outcome.status, body: render(call, podForTenant(call.view, outcome.pod)) }
}

/**
 * Takes the quota; where there is none left, a pod of this very user pod may be there already and be what holds it.
 * @throws IsthmusError quota_exceeded, unavailable
 */
async function reserve(
  call: KubeCall,
  deps: KubernetesFaceDeps,
  namespace: NamespaceRecord,
  pod: Pod,
): Promise<Outcome | undefined> {
  const { tenantId, nodeId, clusterId } = call.principal
  try {
    await deps.quota.reserve({
      id: pod.metadata.labels?.[RESERVATION_LABEL] ?? '',
      tenantId,
      nodeId,
      clusterId,
      namespace: namespace.name,
      physicalNamespace: namespace.physicalName,
      name: pod.metadata.name ?? '',
      amounts: effectiveAmounts(pod as unknown as PodResources),
    })
    return undefined
  } catch (error) {
    if (!isIsthmusError(error, 'quota_exceeded')) throw error
    const same = await findSame(call, namespace, pod)
    if (same === undefined) throw error
    return same
  }
}

async function attempt(
  call: KubeCall,
  namespace: NamespaceRecord,
  pod: Pod,
  submit: (pod: Pod) => Promise<Pod>,
): Promise<Outcome> {
  try {
    return { pod: await submit(pod), status: 201 }
  } catch (error) {
    // A proxy between may answer 502 or 503 for a create that has taken place, as API servers do with 500 and 504.
    const lost = error instanceof KubeUnreachableError || (isKubeApiError(error) && error.code >= 500)
    if (!lost && !isKubeApiError(error, 409, 'AlreadyExists')) return { error, unknown: false }
    return (await findSame(call, namespace, pod)) ?? { error, unknown: lost }
  }
}

/** The pod that is there already, when it is this one: made by this very request, or for the same user pod. */
async function findSame(call: KubeCall, namespace: NamespaceRecord, pod: Pod): Promise<Outcome | undefined> {
  // A GET that fails leaves the outcome unknown: the reservation then waits for the reconciler.
  const there = (await findOwn(call, namespace, pod.metadata.name ?? '').catch(() => undefined)) as
    | Pod
    | undefined
  if (there === undefined || there.metadata.deletionTimestamp !== undefined) return undefined
  const reservation = pod.metadata.labels?.[RESERVATION_LABEL]
  if (there.metadata.labels?.[RESERVATION_LABEL] === reservation) return { pod: there, status: 201 }
  const uid = pod.metadata.annotations?.[UID_ANNOTATION]
  const same = uid !== undefined && there.metadata.annotations?.[UID_ANNOTATION] === uid
  return same ? { pod: there, status: 200 } : undefined
}

/**
 * Settles the reservation. It stays where the outcome is unknown: it expires only after a GET has said that the
 * pod is absent. A commit that fails is repaired from the pod's label; the pod is there and the answer says so.
 */
async function settle(deps: KubernetesFaceDeps, reservationId: string, outcome: Outcome): Promise<void> {
  try {
    if ('error' in outcome) {
      if (!outcome.unknown) await deps.quota.release(reservationId)
      return
    }
    const own = outcome.pod.metadata.labels?.[RESERVATION_LABEL] === reservationId
    if (!own) await deps.quota.release(reservationId)
    else {
      const amounts = effectiveAmounts(outcome.pod as unknown as PodResources)
      await deps.quota.commit(reservationId, { uid: outcome.pod.metadata.uid ?? '', amounts })
    }
  } catch (error) {
    deps.logger.warn({ err: error, reservationId }, 'a reservation was left to the reconciler')
  }
}
