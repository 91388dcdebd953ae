import type { V1Container, V1ContainerStatus, V1Pod } from '@kubernetes/client-node'

/** Whether a container that ended with this code may run again, as far as the pod's spec says. */
function mayRunAgain(pod: V1Pod, container: V1Container | undefined, exitCode: number): boolean {
  const policy = pod.spec?.restartPolicy ?? 'Always'
  if (policy === 'Always' || (policy === 'OnFailure' && exitCode !== 0)) return true
  // A sidecar always may, and so may one with a policy or rules of its own (KEP-5307).
  return container?.restartPolicy !== undefined || (container?.restartPolicyRules ?? []).length > 0
}

/**
 * Container statuses as they may follow those before: restart counts never fall, whatever the data plane did with
 * the pod meanwhile, and a container that has ended for good has ended (kubelet: checkContainerStateTransition).
 */
export function settleStatuses(
  pod: V1Pod,
  containers: V1Container[] | undefined,
  now: V1ContainerStatus[] | undefined,
  before: V1ContainerStatus[] | undefined,
): V1ContainerStatus[] | undefined {
  return now?.map((status) => {
    const old = before?.find(({ name }) => name === status.name)
    if (!old) return status
    const ended = old.state?.terminated
    if (ended && !status.state?.terminated) {
      const container = containers?.find(({ name }) => name === status.name)
      if (!mayRunAgain(pod, container, ended.exitCode)) return old
    }
    return old.restartCount > status.restartCount ? { ...status, restartCount: old.restartCount } : status
  })
}
