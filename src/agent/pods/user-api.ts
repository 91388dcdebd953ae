import type { V1Pod, V1PodList, V1PodStatus } from '@kubernetes/client-node'
import { statusPatch } from '../../kube/forge/status-patch.ts'
import { isKubeApiError } from '../../kube/index.ts'
import { type AgentContext, STRATEGIC_MERGE } from '../context.ts'

/** What the agent does to pods in the user's cluster: only what a node may. */
export interface UserPodApi {
  /** Writes what differs. Returns the pod as it is now, undefined when it is gone or another one has its name. */
  writeStatus(pod: V1Pod, wanted: V1PodStatus): Promise<V1Pod | undefined>
  /** Removes the object: grace 0, for this UID alone. Idempotent. */
  remove(pod: V1Pod): Promise<void>
  /** Whether this very pod is still there, asked of the API server itself. */
  exists(namespace: string, name: string, uid: string): Promise<boolean>
}

const podPath = (pod: V1Pod) => [
  ...['api', 'v1', 'namespaces', pod.metadata?.namespace ?? '', 'pods', pod.metadata?.name ?? ''],
]

/** Makes the door to the user's pods. */
export function createUserPodApi(context: Pick<AgentContext, 'user' | 'nodeName'>): UserPodApi {
  const { user, nodeName } = context

  /** Under the Node authorizer a GET of a pod that is gone is 403, not 404: a LIST tells them apart (rule 32). */
  async function find(namespace: string, name: string): Promise<V1Pod | undefined> {
    const list = await user.json<V1PodList>({
      method: 'GET',
      path: ['api', 'v1', 'namespaces', namespace, 'pods'],
      query: { fieldSelector: `spec.nodeName=${nodeName},metadata.name=${name}` },
    })
    return list.items[0]
  }

  async function isGone(pod: V1Pod): Promise<boolean> {
    const { namespace = '', name = '', uid } = pod.metadata ?? {}
    return (await find(namespace, name))?.metadata?.uid !== uid
  }

  return {
    async writeStatus(pod, wanted) {
      const patch = statusPatch(pod, wanted)
      if (!patch) return pod
      try {
        return await user.json<V1Pod>({
          method: 'PATCH',
          path: [...podPath(pod), 'status'],
          headers: STRATEGIC_MERGE,
          body: patch,
        })
      } catch (error) {
        // 422 and 409 are also what a pod of the same name and another UID answers.
        const doubtful = [403, 404, 409, 422].some((code) => isKubeApiError(error, code))
        if (doubtful && (await isGone(pod))) return undefined
        throw error
      }
    },
    async remove(pod) {
      try {
        await user.json({
          method: 'DELETE',
          path: podPath(pod),
          body: { gracePeriodSeconds: 0, preconditions: { uid: pod.metadata?.uid } },
        })
      } catch (error) {
        if (isKubeApiError(error, 404) || isKubeApiError(error, 409)) return // gone, or another one by now
        if (isKubeApiError(error, 403) && (await isGone(pod))) return
        throw error
      }
    },
    exists: async (namespace, name, uid) => (await find(namespace, name))?.metadata?.uid === uid,
  }
}
