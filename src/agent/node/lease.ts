import type { V1Lease, V1Node } from '@kubernetes/client-node'
import { isKubeApiError, type KubeClient } from '../../kube/index.ts'
import type { Clock } from '../../lib/clock.ts'
import { microTime } from '../context.ts'

/** Seconds; a kubelet's own. */
export const LEASE_SECONDS = 40
export const RENEW_EVERY_MS = 10_000

const EPOCH = 'agent.isthmus.dev/epoch'
const INSTANCE = 'agent.isthmus.dev/instance'
const NAMESPACE = ['apis', 'coordination.k8s.io', 'v1', 'namespaces', 'kube-node-lease', 'leases']

/** Who wrote the node's Lease last. */
export interface LeaseHolder {
  epoch: number
  instance: string | undefined
  renewTimeMs: number
  resourceVersion: string | undefined
}

export interface NodeLeaseOptions {
  user: Pick<KubeClient, 'json'>
  nodeName: string
  instance: string
  clock: Clock
}

/** Somebody with a higher epoch has written the Lease. */
export class HigherEpochError extends Error {
  constructor(holder: LeaseHolder) {
    super(`instance ${holder.instance} writes with the higher epoch ${holder.epoch}`)
    this.name = 'HigherEpochError'
  }
}

function holderOf(lease: V1Lease): LeaseHolder {
  const annotations = lease.metadata?.annotations ?? {}
  const epoch = Number(annotations[EPOCH] ?? 0)
  return {
    epoch: Number.isSafeInteger(epoch) ? epoch : 0,
    instance: annotations[INSTANCE],
    renewTimeMs: lease.spec?.renewTime ? Date.parse(String(lease.spec.renewTime)) : 0,
    resourceVersion: lease.metadata?.resourceVersion,
  }
}

/** RFC 3339 to the microsecond as a number of milliseconds, fraction kept. */
function preciseMs(time: unknown): number {
  const text = String(time ?? '')
  const ms = Date.parse(text)
  const micros = /\.\d{3}(\d{3})/.exec(text)?.[1]
  return Number.isFinite(ms) ? ms + Number(micros ?? 0) / 1000 : 0
}

/** The node's own Lease: its heartbeat, and the fence between replicas in the user's cluster (rule 27). */
export interface NodeLease {
  /** @throws HigherEpochError when this process is no longer the writer */
  renew(node: V1Node, epoch: number): Promise<void>
  /** Who holds it; undefined when there is none. */
  read(): Promise<LeaseHolder | undefined>
}

/** Makes the keeper of the node's Lease. */
export function createNodeLease(options: NodeLeaseOptions): NodeLease {
  const { user, nodeName, instance, clock } = options
  const path = [...NAMESPACE, nodeName]
  let last: V1Lease | undefined

  async function get(): Promise<V1Lease | undefined> {
    try {
      return await user.json<V1Lease>({ method: 'GET', path, timeoutMs: 10_000 })
    } catch (error) {
      if (isKubeApiError(error, 404)) return undefined
      throw error
    }
  }

  function body(node: V1Node, epoch: number, present: V1Lease | undefined): V1Lease {
    // renewTime must rise, whatever this machine's clock says: a slow one made the node NotReady (rule 26).
    const before = preciseMs(present?.spec?.renewTime)
    const renewMs = Math.max(clock.now(), before + 0.001)
    return {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: {
        ...present?.metadata,
        name: nodeName,
        namespace: 'kube-node-lease',
        annotations: { ...present?.metadata?.annotations, [EPOCH]: String(epoch), [INSTANCE]: instance },
        // With the UID, so that the lease goes with the Node and a new Node's lease is a new one.
        ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: nodeName, uid: node.metadata?.uid ?? '' }],
        managedFields: undefined,
      },
      spec: {
        ...present?.spec,
        holderIdentity: nodeName,
        leaseDurationSeconds: LEASE_SECONDS,
        renewTime: microTime(renewMs) as unknown as V1Lease['spec'] extends { renewTime?: infer T }
          ? T
          : never,
      },
    }
  }

  async function write(node: V1Node, epoch: number): Promise<void> {
    if (last && holderOf(last).epoch > epoch) throw new HigherEpochError(holderOf(last))
    const next = body(node, epoch, last)
    last = last
      ? await user.json<V1Lease>({ method: 'PUT', path, body: next, timeoutMs: 10_000 })
      : await user.json<V1Lease>({ method: 'POST', path: NAMESPACE, body: next, timeoutMs: 10_000 })
  }

  return {
    async renew(node, epoch) {
      last ??= await get()
      try {
        await write(node, epoch)
      } catch (error) {
        // Somebody else wrote, or it is gone: read it, so that the next try, or the fence, sees what is there.
        if (!isKubeApiError(error, 409) && !isKubeApiError(error, 404)) throw error
        last = await get()
        const holder = last && holderOf(last)
        if (holder && holder.instance !== instance && holder.epoch >= epoch)
          throw new HigherEpochError(holder)
        await write(node, epoch)
      }
    },
    async read() {
      last = await get()
      return last && holderOf(last)
    },
  }
}
