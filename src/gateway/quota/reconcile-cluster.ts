import { isKubeApiError, type KubeClient, KubeUnreachableError } from '../../kube/client/types.ts'
import type { Logger } from '../../lib/logger.ts'
import { isIsthmusError } from '../../protocol/errors/index.ts'
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
const ONE_POD: Amounts = new Map([['pods', 1000n]])

/** One comparison of ledger and data plane. What differs must have differed the round before as well. */
export function makeComparison(deps: ReconcileDeps) {
  let before = new Set<string>()
  let unreadableBefore = new Set<string>()

  return async function compare(state: ClusterState): Promise<void> {
    const suspects = new Set<string>()
    const twice = (what: string) => {
      suspects.add(what)
      return before.has(what)
    }
    const rows = await deps.store.reservations(state.clusterId)
    const known = new Set(rows.map((row) => row.id))
    reportUnreadable(state)
    for (const row of rows) await alone(row, () => compareRow(row, state, twice))
    for (const pod of state.pods.values()) {
      if (pod.finished || known.has(pod.reservationId) || !twice(`uncharged/${pod.reservationId}`)) continue
      await alone(pod, () => adopt(pod, state.client))
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

  /** What can not be compared must not keep the others from it; without the database or the data plane nothing can. */
  async function alone(what: { physicalNamespace: string; name: string }, act: () => Promise<void>) {
    try {
      await act()
    } catch (error) {
      if (error instanceof KubeUnreachableError || isIsthmusError(error, 'unavailable')) throw error
      const { physicalNamespace, name } = what
      deps.logger.warn({ err: error, physicalNamespace, name }, 'a pod could not be compared with the ledger')
    }
  }

  /** Each pod once, as long as it is so. */
  function reportUnreadable({ clusterId, pods }: ClusterState): void {
    const unreadable = new Set<string>()
    for (const { amounts, finished, uid, physicalNamespace, name } of pods.values()) {
      if (amounts !== undefined || finished) continue
      unreadable.add(uid)
      if (unreadableBefore.has(uid)) continue
      deps.logger.warn({ clusterId, physicalNamespace, name, uid }, 'a pod has amounts that are none')
      deps.drift('unreadable')
    }
    unreadableBefore = unreadable
  }

  async function adopt(pod: CarriedPod, client: KubeClient): Promise<void> {
    // Seen by the watch, released or never charged: asked directly, since a release may be ahead of the watch.
    const live = await readPod(client, pod)
    if (live?.reservationId !== pod.reservationId || live.finished) return
    // One that can not be read is one pod at least; the rest follows once it can.
    await deps.store.adopt({ ...live, id: live.reservationId, amounts: live.amounts ?? ONE_POD })
    deps.drift('uncharged')
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
      if (pod.amounts === undefined) return
      const uncommitted = row.state === 'reserved'
      // A resize charges before it writes, and the write may take its time: until then nothing is given back.
      const amounts = row.expired || uncommitted ? pod.amounts : atLeast(row.amounts, pod.amounts)
      if (!uncommitted && same(row.amounts, amounts)) return
      if (!twice(`amounts/${row.id}`)) return
      if (await deps.store.correct(row, { uid: pod.uid, amounts })) {
        deps.drift(uncommitted ? 'uncommitted' : 'amounts')
      }
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

function atLeast(held: Amounts, amounts: Amounts): Amounts {
  const result = new Map(held)
  for (const [key, amount] of amounts) if (amount > (held.get(key) ?? 0n)) result.set(key, amount)
  return result
}

function same(a: Amounts, b: Amounts): boolean {
  const positive = (amounts: Amounts) => [...amounts].filter(([, amount]) => amount > 0n)
  return (
    positive(a).length === positive(b).length && positive(a).every(([key, amount]) => b.get(key) === amount)
  )
}
