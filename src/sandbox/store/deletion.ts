import type { DeleteOptions, KubeObject } from './types.ts'

/** What a DELETE does to an object. */
export type Deletion =
  | { action: 'remove' }
  /** Stays, with this grace period counted from now. */
  | { action: 'mark'; gracePeriodSeconds: number | undefined }
  /** Is being deleted already, and this request changes nothing. */
  | { action: 'nothing' }

/**
 * Decides a DELETE (registry/core/pod strategy CheckGracefulDelete and rest.BeforeDelete): only a pod that is bound
 * and not terminal has a grace period; a repeated DELETE may only shorten it; finalizers hold the object.
 */
export function decideDeletion(object: KubeObject, options: DeleteOptions, graceful: boolean): Deletion {
  const { metadata } = object
  const held = isHeld(object)
  const deleting = metadata.deletionTimestamp !== undefined
  if (!graceful) {
    if (!held) return { action: 'remove' }
    return deleting ? { action: 'nothing' } : { action: 'mark', gracePeriodSeconds: 0 }
  }
  const grace = graceOf(object, options)
  if (deleting) {
    const current = metadata.deletionGracePeriodSeconds ?? 0
    if (options.gracePeriodSeconds === undefined || (grace >= current && grace > 0))
      return { action: 'nothing' }
    if (grace > 0) return { action: 'mark', gracePeriodSeconds: grace }
    if (!held) return { action: 'remove' }
    return current === 0 ? { action: 'nothing' } : { action: 'mark', gracePeriodSeconds: 0 }
  }
  if (grace > 0) return { action: 'mark', gracePeriodSeconds: grace }
  return held ? { action: 'mark', gracePeriodSeconds: 0 } : { action: 'remove' }
}

function graceOf(pod: KubeObject, options: DeleteOptions): number {
  const spec = (pod['spec'] ?? {}) as { nodeName?: string; terminationGracePeriodSeconds?: number }
  const status = (pod['status'] ?? {}) as { phase?: string }
  if (!spec.nodeName || status.phase === 'Succeeded' || status.phase === 'Failed') return 0
  const asked = options.gracePeriodSeconds ?? spec.terminationGracePeriodSeconds ?? 30
  return asked < 0 ? 1 : asked
}

/** Whether an object that is being deleted may go now that it was updated. */
export function mayGo(object: KubeObject): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds } = object.metadata
  return deletionTimestamp !== undefined && !isHeld(object) && !deletionGracePeriodSeconds
}

/** Finalizers hold an object; a namespace has some in its spec as well. */
function isHeld(object: KubeObject): boolean {
  const inSpec =
    object.kind === 'Namespace' ? (object['spec'] as { finalizers?: string[] } | undefined) : undefined
  return (object.metadata.finalizers?.length ?? 0) > 0 || (inSpec?.finalizers?.length ?? 0) > 0
}
