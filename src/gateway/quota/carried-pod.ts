import type { V1Pod } from '@kubernetes/client-node'
import { effectiveAmounts } from '../../kube/effective-requests.ts'
import { isIsthmusError } from '../../protocol/errors/index.ts'
import { RESERVATION_LABEL } from '../kubernetes/index.ts'
import type { Amounts } from './index.ts'

/** What the reconciler keeps of a pod: a few hundred bytes instead of kilobytes. */
export interface CarriedPod {
  reservationId: string
  uid: string
  physicalNamespace: string
  name: string
  /** No container runs, and none will: what it held is free. */
  finished: boolean
  /** Undefined where the data plane holds amounts that are none: what is charged for it then stays as it is. */
  amounts: Amounts | undefined
}

/** A pod of the data plane that holds a reservation; undefined for any other. */
export function carriedPod(pod: V1Pod): CarriedPod | undefined {
  const { uid, namespace, name, labels } = pod.metadata ?? {}
  const reservationId = labels?.[RESERVATION_LABEL]
  if (!reservationId || !uid || !namespace || !name) return undefined
  return {
    reservationId,
    uid,
    physicalNamespace: namespace,
    name,
    finished: isFinished(pod),
    amounts: readAmounts(pod),
  }
}

function readAmounts(pod: V1Pod): Amounts | undefined {
  try {
    return effectiveAmounts(pod)
  } catch (error) {
    if (isIsthmusError(error, 'invalid')) return undefined
    throw error
  }
}

/** The phase alone may be written by anyone with the right to the status (kubernetes-face.md 16): no container may run. */
export function isFinished(pod: V1Pod): boolean {
  const { phase, containerStatuses, initContainerStatuses, ephemeralContainerStatuses } = pod.status ?? {}
  if (phase !== 'Succeeded' && phase !== 'Failed') return false
  const all = [
    ...(containerStatuses ?? []),
    ...(initContainerStatuses ?? []),
    ...(ephemeralContainerStatuses ?? []),
  ]
  return all.every((status) => status.state?.running === undefined)
}
