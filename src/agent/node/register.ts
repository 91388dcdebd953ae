import type { V1Node } from '@kubernetes/client-node'
import { isKubeApiError, type KubeClient } from '../../kube/index.ts'
import { type EventRecorder, MERGE_PATCH } from '../context.ts'
import { type NodeIdentity, newNode, nodeLabels, TAINT_KEY } from './node-object.ts'

export interface RegisterOptions {
  user: Pick<KubeClient, 'json'>
  recorder: EventRecorder
}

export interface Registration {
  /** The Node as it is, made or adopted where need be. `identity` is asked for only when one has to be made. */
  ensure(identity: () => NodeIdentity | undefined): Promise<V1Node | undefined>
}

/** Whether the Node keeps off pods that do not ask for it. */
export function hasTaint(node: V1Node): boolean {
  return node.spec?.taints?.some(({ key }) => key === TAINT_KEY) ?? false
}

/** Keeps the Node object in being. It is never deleted by the agent: PodGC would delete all its pods. */
export function createRegistration({ user, recorder }: RegisterOptions): Registration {
  let knownUid: string | undefined
  let warnedUid: string | undefined

  async function get(name: string): Promise<V1Node | undefined> {
    try {
      return await user.json<V1Node>({ method: 'GET', path: ['api', 'v1', 'nodes', name], timeoutMs: 10_000 })
    } catch (error) {
      if (isKubeApiError(error, 404)) return undefined
      throw error
    }
  }

  async function create(identity: NodeIdentity): Promise<V1Node> {
    // One that is deleted under us has lost its cordon, taints and labels: anew, but kept closed (rule 29).
    const again = knownUid !== undefined
    const body = newNode({ ...identity, unschedulable: again })
    const node = await user.json<V1Node>({ method: 'POST', path: ['api', 'v1', 'nodes'], body })
    if (again) {
      recorder.event(
        { kind: 'Node', name: identity.name, uid: identity.name },
        'Warning',
        'NodeRecreated',
        `The Node was deleted while its agent runs; it was made anew, cordoned. To use it: kubectl uncordon ${identity.name}`,
      )
    }
    return node
  }

  /** Labels are ours to keep; a taint is not ours to set any more, so the user is told how. */
  async function adopt(node: V1Node, identity: NodeIdentity): Promise<V1Node> {
    const name = identity.name
    if (identity.taint && !hasTaint(node) && warnedUid !== node.metadata?.uid) {
      warnedUid = node.metadata?.uid
      recorder.event(
        { kind: 'Node', name, uid: name },
        'Warning',
        'TaintMissing',
        `The Node has no ${TAINT_KEY} taint and takes no new pods. To set it: kubectl taint node ${name} ${TAINT_KEY}=${name}:NoSchedule`,
      )
    }
    const labels = Object.entries(nodeLabels(identity)).filter(
      ([key, value]) => node.metadata?.labels?.[key] !== value,
    )
    if (labels.length === 0) return node
    return user.json<V1Node>({
      method: 'PATCH',
      path: ['api', 'v1', 'nodes', name],
      headers: MERGE_PATCH,
      body: { metadata: { labels: Object.fromEntries(labels) } },
    })
  }

  return {
    async ensure(identityOf) {
      const identity = identityOf()
      if (!identity) return undefined
      const present = await get(identity.name)
      const node = present ? await adopt(present, identity) : await create(identity)
      knownUid = node.metadata?.uid
      return node
    },
  }
}
