import type { Reference } from '../../kube/forge/references.ts'
import type { Refusal } from '../../kube/forge/unsupported.ts'
import { isKubeApiError, type KubeApiError } from '../../kube/index.ts'
import { NameTakenError } from '../sync/carried-objects.ts'

/** Why a pod is not carried yet, and when to try again. */
export interface Waiting extends Refusal {
  /**
   * `quota`: when quota is freed; `changed`: when the pod changes (and now and then, since a policy may);
   * `soon`: with the queue's back-off; `object`: when the object that is missing appears.
   */
  until: 'quota' | 'changed' | 'soon' | 'object'
  /** The container that can not be made, where it is one's fault: its status says so. */
  container?: string
}

function causesOf(error: KubeApiError): string {
  const causes = error.status.details?.causes ?? []
  return causes.map(({ field, message }) => `${field}: ${message}`).join('; ')
}

/**
 * What the gateway's answer to a create means for the pod; undefined when it means nothing yet (unreachable,
 * overloaded) and the pod keeps the status that it has.
 */
export function refusalOfAnswer(error: unknown): Waiting | undefined {
  if (!isKubeApiError(error)) return undefined
  const { code, status } = error
  const quota = status.details?.causes?.some(({ reason }) => reason === 'QuotaExceeded')
  if (code === 403 && quota) {
    return { reason: 'QuotaExceeded', message: error.message, until: 'quota' }
  }
  // Not the pod's fault alone: rights and webhooks of the data plane come and go.
  if (code === 403) return { reason: 'Forbidden', message: error.message, until: 'soon' }
  if (code === 422 || code === 400 || code === 413) {
    return { reason: 'Refused', message: causesOf(error) || error.message, until: 'changed' }
  }
  return undefined
}

/** Why what a pod needs can not be brought along: a token that is refused, an object that the gateway does not take. */
export function dependencyFault(error: unknown): Waiting {
  const message = error instanceof Error ? error.message : String(error)
  const reason = error instanceof NameTakenError ? 'NameTaken' : 'DependencyFailed'
  return { reason, message, until: 'soon' }
}

/** Reasons as virtual kubelets give them, one per kind (virtual-kubelet.md §2.8). */
export function missingReferences(missing: Reference[]): Waiting | undefined {
  const first = missing[0]
  if (!first) return undefined
  const list = missing.map(({ kind, name }) => `${kind} ${name}`).join(', ')
  return { reason: `Mandatory${first.kind}NotFound`, message: `not found: ${list}`, until: 'object' }
}
