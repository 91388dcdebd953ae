import type { Clock } from '../../../lib/clock.ts'
import type { Logger } from '../../../lib/logger.ts'
import { kubeTime } from '../../events.ts'
import type { KubeObject, ResourceStore } from '../../store/types.ts'

const LEASES = 'leases.coordination.k8s.io'
const LEASE_NAMESPACE = 'kube-node-lease'
/** A kubelet's: a lease of 40 s, renewed every quarter. */
const LEASE_SECONDS = 40
const RENEW_MS = 10_000

export interface RegisterOptions {
  store: ResourceStore
  clock: Clock
  logger: Logger
  node: KubeObject
  signal: AbortSignal
}

interface Lease extends KubeObject {
  spec: Record<string, unknown>
}

/** metav1.MicroTime. */
const microTime = (ms: number) => `${new Date(ms).toISOString().slice(0, -1)}000Z`

interface Condition {
  type: string
  status: string
  lastHeartbeatTime: string
  lastTransitionTime: string
}

/** Our conditions as they are now, beside those of others. */
function heartbeat(own: Condition[], stored: Condition[], nowMs: number): Condition[] {
  const now = kubeTime(nowMs)
  const others = stored.filter(({ type }) => !own.some((each) => each.type === type))
  return [...own.map((each) => ({ ...each, lastHeartbeatTime: now, lastTransitionTime: now })), ...others]
}

function renew({ store, clock, node }: RegisterOptions): void {
  const { name } = node.metadata
  const found = store.get('nodes', { name })
  // a node that somebody deleted comes back, as a kubelet's does when it registers; one that was declared silent
  // (this machine slept) says that it is there
  const { uid } = (found ?? store.create('nodes', node)).metadata
  const { status } = node as { status?: { conditions: Condition[] } }
  const stored = (found?.['status'] as { conditions?: Condition[] } | undefined)?.conditions ?? []
  if (found && stored.some((each) => each.type === 'Ready' && each.status !== 'True')) {
    store.patchStatus(
      'nodes',
      { name, uid },
      { conditions: heartbeat(status?.conditions ?? [], stored, clock.now()) },
    )
  }
  const key = { namespace: LEASE_NAMESPACE, name }
  const renewTime = microTime(clock.now())
  const ownerReferences = [{ apiVersion: 'v1', kind: 'Node', name, uid }]
  if (store.get(LEASES, key)) {
    store.mutate<Lease>(LEASES, key, (lease) => {
      lease.metadata.ownerReferences = ownerReferences
      lease.spec['renewTime'] = renewTime
    })
    return
  }
  store.create(LEASES, {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { ...key, ownerReferences },
    spec: { holderIdentity: name, leaseDurationSeconds: LEASE_SECONDS, renewTime },
  })
}

/** Registers a node and renews its lease until `signal` aborts. The node is registered when this returns. */
export function registerNode(options: RegisterOptions): void {
  const { clock, logger, signal } = options
  const keep = async () => {
    while (!signal.aborted) {
      await clock.sleep(RENEW_MS, signal, { ref: false })
      renew(options)
    }
  }
  renew(options)
  keep().catch((error: unknown) => {
    if (!signal.aborted) logger.error({ err: error }, 'the node lease is no longer renewed')
  })
}
