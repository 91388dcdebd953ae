import type { V1Pod } from '@kubernetes/client-node'
import { isKubeApiError } from '../../kube/index.ts'
import { type AgentContext, STRATEGIC_MERGE } from '../context.ts'
import { carriedUid } from './decide.ts'
import type { Namespaces } from './namespaces.ts'

/** Another pod holds the name behind the gateway: the one before, on its way out, or one that a client made. */
export class NameInUseError extends Error {
  constructor(pod: V1Pod) {
    super(`a pod of the name ${pod.metadata?.namespace}/${pod.metadata?.name} is still there`)
    this.name = 'NameInUseError'
  }
}

/** What the agent does to the carrying pods, all of it for one UID of the user's pod. */
export interface CarrierApi {
  /** The pod that carries `uid`, asked of the gateway itself. @throws when the gateway does not answer: unreachable is not NotFound */
  get(namespace: string, name: string, uid: string): Promise<V1Pod | undefined>
  /** Idempotent by the UID: when it is there already, that is success (rule 18). @throws NameInUseError */
  create(pod: V1Pod): Promise<V1Pod>
  /** Deletes this very pod; idempotent. */
  remove(pod: V1Pod, graceSeconds: number): Promise<void>
  patch(pod: V1Pod, patch: object, subresource?: 'resize' | 'ephemeralcontainers'): Promise<V1Pod>
}

const collection = (namespace: string) => ['api', 'v1', 'namespaces', namespace, 'pods']

/** Makes the door to the carrying pods. */
export function createCarrierApi(
  { gateway }: Pick<AgentContext, 'gateway'>,
  namespaces: Pick<Namespaces, 'ensure' | 'forget'>,
): CarrierApi {
  async function read(namespace: string, name: string): Promise<V1Pod | undefined> {
    try {
      return await gateway.json<V1Pod>({ method: 'GET', path: [...collection(namespace), name] })
    } catch (error) {
      if (isKubeApiError(error, 404)) return undefined
      throw error
    }
  }

  const pathOf = (pod: V1Pod) => [...collection(pod.metadata?.namespace ?? ''), pod.metadata?.name ?? '']

  return {
    async get(namespace, name, uid) {
      const pod = await read(namespace, name)
      return pod && carriedUid(pod) === uid ? pod : undefined
    },
    async create(pod) {
      const namespace = pod.metadata?.namespace ?? ''
      await namespaces.ensure(namespace)
      try {
        return await gateway.json<V1Pod>({ method: 'POST', path: collection(namespace), body: pod })
      } catch (error) {
        if (isKubeApiError(error, 404)) namespaces.forget(namespace)
        if (!isKubeApiError(error, 409, 'AlreadyExists')) throw error
        const present = await read(namespace, pod.metadata?.name ?? '')
        if (present && carriedUid(present) === carriedUid(pod) && !present.metadata?.deletionTimestamp) {
          return present
        }
        throw new NameInUseError(pod)
      }
    },
    async remove(pod, graceSeconds) {
      const body = { gracePeriodSeconds: graceSeconds, preconditions: { uid: pod.metadata?.uid } }
      try {
        await gateway.json({ method: 'DELETE', path: pathOf(pod), body })
      } catch (error) {
        if (!isKubeApiError(error, 404) && !isKubeApiError(error, 409, 'Conflict')) throw error
      }
    },
    patch: (pod, patch, subresource) =>
      gateway.json<V1Pod>({
        method: 'PATCH',
        path: subresource ? [...pathOf(pod), subresource] : pathOf(pod),
        headers: STRATEGIC_MERGE,
        body: patch,
      }),
  }
}
