import { isKubeApiError, type KubeClient } from '../../kube/client/types.ts'
import type { Logger } from '../../lib/logger.ts'
import type { NamespaceRegistry } from '../tenants/index.ts'
import { type CarriedPod, carriedPod } from './carried-pod.ts'
import type { Amounts, QuotaLedger } from './index.ts'
import type { Drift, ReconciliationStore, ReservationRow } from './reconciliation.ts'

export interface ClusterState {
  clusterId: string
  client: KubeClient
  /** By reservation, as the watch has them. */
  pods: ReadonlyMap<string, CarriedPod>
  /** Physical names of the namespaces with the gateway's label. */
  namespaces: ReadonlySet<string>
}

export interface ReconcileDeps {
  store: ReconciliationStore
  ledger: QuotaLedger
  registry: NamespaceRegistry
  drift: (kind: Drift) => void
  logger: Logger
  /** Between two comparisons, in milliseconds. */
  compareMs: number
  /** Mappings whose physical namespace should be at this cluster. */
  mappings: (clusterId: string) => { nodeId: string; physicalName: string }[]
}

/** Younger rows may be ahead of the watch, or their request still under way. */
const SETTLED_MS = 10_000

/** One comparison of ledger and data plane. What differs must have differed the round before as well. */
export function makeComparison(deps: ReconcileDeps) {
  let before = new Set<string>()

  return async function compare(state: ClusterState): Promise<void> {
    const suspects = new Set<string>()
    const twice = (what: string) => {
      suspects.add(what)
      return before.has(what)
    }
    const rows = await deps.store.reservations(state.clusterId)
    const known = new Set(rows.map((row) => row.id))
    for (const row of rows) await compareRow(row, state, twice)
    for (const pod of state.pods.values()) {
      if (pod.finished || known.has(pod.reservationId) || !twice(`uncharged/${pod.reservationId}`)) continue
      // Seen by the watch, released or never charged: asked directly, since a release may be ahead of the watch.
      const live = await readPod(state.client, pod)
      if (live?.reservationId !== pod.reservationId || live.finished) continue
      await deps.store.adopt({ ...live, id: live.reservationId })
      deps.drift('uncharged')
    }
    for (const { nodeId, physicalName } of deps.mappings(state.clusterId)) {
      if (state.namespaces.has(physicalName) || !twice(`namespace/${physicalName}`)) continue
      if (!(await isAbsent(state.client, ['api', 'v1', 'namespaces', physicalName]))) continue
      await deps.registry.drop(nodeId, physicalName)
      deps.drift('namespace')
    }
    if ((await deps.store.repairSums(state.clusterId)) > 0) deps.drift('sums')
    before = suspects
  }

  async function compareRow(
    row: ReservationRow,
    state: ClusterState,
    twice: (what: string) => boolean,
  ): Promise<void> {
    const pod = state.pods.get(row.id)
    if (pod?.finished) return deps.ledger.release(row.id)
    if (row.ageMs < Math.min(SETTLED_MS, deps.compareMs)) return
    if (pod) {
      const uncommitted = row.state === 'reserved'
      if (!uncommitted && same(row.amounts, pod.amounts)) return
      if (!twice(`amounts/${row.id}`)) return
      await deps.ledger.commit(row.id, { uid: pod.uid, amounts: pod.amounts })
      deps.drift(uncommitted ? 'uncommitted' : 'amounts')
      return
    }
    if (row.state === 'reserved' && !row.expired) return
    if (!twice(`leaked/${row.id}`)) return
    const live = await readPod(state.client, row)
    if (live?.reservationId === row.id) return // the watch is behind
    await deps.ledger.release(row.id)
    deps.drift(row.state === 'reserved' ? 'expired' : 'leaked')
  }
}

/** Undefined only when the data plane says that it is absent. @throws whatever else it says */
async function readPod(
  client: KubeClient,
  pod: { physicalNamespace: string; name: string },
): Promise<CarriedPod | undefined> {
  try {
    const path = ['api', 'v1', 'namespaces', pod.physicalNamespace, 'pods', pod.name]
    return carriedPod(await client.json({ method: 'GET', path }))
  } catch (error) {
    if (isKubeApiError(error, 404)) return undefined
    throw error
  }
}

async function isAbsent(client: KubeClient, path: string[]): Promise<boolean> {
  try {
    await client.json({ method: 'GET', path })
    return false
  } catch (error) {
    if (isKubeApiError(error, 404)) return true
    throw error
  }
}

function same(a: Amounts, b: Amounts): boolean {
  const positive = (amounts: Amounts) => [...amounts].filter(([, amount]) => amount > 0n)
  return (
    positive(a).length === positive(b).length && positive(a).every(([key, amount]) => b.get(key) === amount)
  )
}
