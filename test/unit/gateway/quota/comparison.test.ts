import type { V1Pod } from '@kubernetes/client-node'
import { type CarriedPod, carriedPod } from '../../../../src/gateway/quota/carried-pod.ts'
import type { Drift, ReservationRow } from '../../../../src/gateway/quota/index.ts'
import { makeComparison, type ReconcileDeps } from '../../../../src/gateway/quota/reconcile-cluster.ts'
import { KubeApiError, type KubeClient } from '../../../../src/kube/client/types.ts'
import { silentLogger } from '../../../../src/lib/logger.ts'
import t from '../../../support/tap.ts'

/** A pod of the data plane with the reservation `id`. */
function podOf(id: string, cpu: string, change: Partial<V1Pod> = {}): V1Pod {
  return {
    metadata: { uid: `uid-${id}`, namespace: 't-x', name: id, labels: { 'isthmus.dev/reservation': id } },
    spec: { containers: [{ name: 'c', resources: { requests: { cpu } } }] },
    ...change,
  }
}

const rowOf = (id: string, cpu: bigint, change: Partial<ReservationRow> = {}): ReservationRow => ({
  id,
  physicalNamespace: 't-x',
  name: id,
  state: 'committed',
  amounts: new Map([
    ['pods', 1000n],
    ['requests.cpu', cpu],
  ]),
  ageMs: 60_000,
  expired: true,
  version: '1',
  ...change,
})

/** A data plane with these pods and a ledger with these rows; what the comparison did to them. */
function stage(pods: V1Pod[], rows: ReservationRow[], answers: Record<string, unknown> = {}) {
  const did: string[] = []
  const drifts: Drift[] = []
  const show = (amounts: ReadonlyMap<string, bigint>) =>
    [...amounts].map(([resource, amount]) => `${resource}=${amount}`).join(' ')
  const deps = {
    store: {
      reservations: async () => rows,
      async correct(
        { id, version }: { id: string; version: string },
        { amounts }: { amounts: Map<string, bigint> },
      ) {
        const row = rows.find((one) => one.id === id)
        if (row?.version !== version) return false
        did.push(`correct ${id} ${show(amounts)}`)
        return true
      },
      adopt: async ({ id, amounts }: { id: string; amounts: Map<string, bigint> }) =>
        void did.push(`adopt ${id} ${show(amounts)}`),
      repairSums: async () => 0,
    },
    ledger: { release: async (id: string) => void did.push(`release ${id}`) },
    drift: (kind: Drift) => void drifts.push(kind),
    logger: silentLogger,
    compareMs: 1_000,
    mappings: () => [],
  } as unknown as ReconcileDeps
  const carried = new Map<string, CarriedPod>()
  for (const pod of pods) {
    const one = carriedPod(pod)
    if (one) carried.set(one.reservationId, one)
  }
  const client = {
    async json({ path }: { path: string[] }) {
      const name = path.at(-1) ?? ''
      if (answers[name] instanceof Error) throw answers[name]
      const pod = pods.find((one) => one.metadata?.name === name)
      if (pod === undefined) throw new KubeApiError(404, { reason: 'NotFound' } as never)
      return pod
    },
  } as unknown as KubeClient
  const compare = makeComparison(deps)
  const state = { clusterId: 'dp', client, pods: carried, namespaces: new Set<string>() }
  return { did, drifts, compare: () => compare(state) }
}

t.test('F6: what a resize was charged stays while its write may be under way', async (t) => {
  const row = rowOf('web', 900n, { expired: false })
  const { did, drifts, compare } = stage([podOf('web', '100m')], [row])
  for (let round = 0; round < 5; round++) await compare()
  t.same([did, drifts], [[], []], 'however many comparisons meet it')
  row.expired = true
  await compare()
  await compare()
  t.same(did.slice(0, 1), ['correct web pods=1000 requests.cpu=100'])
})

t.test(
  'F6: what a pod holds more than it is charged is charged at once, also while a write is under way',
  async (t) => {
    const { did, compare } = stage([podOf('web', '500m')], [rowOf('web', 100n, { expired: false })])
    await compare()
    await compare()
    t.same(did, ['correct web pods=1000 requests.cpu=500'])
  },
)

t.test('a reservation that was changed since it was read is not overwritten', async (t) => {
  const rows = [rowOf('web', 900n)]
  const { did, drifts, compare } = stage([podOf('web', '100m')], rows)
  await compare()
  const stale = rows[0]!
  rows[0] = new Proxy(stale, {
    // Read as it was, changed by the time that it is written.
    get: (row, key) => (key === 'version' ? String(Math.random()) : Reflect.get(row, key)),
  })
  await compare()
  t.same([did, drifts], [[], []])
})

t.test(
  'F7: a pod whose amounts are none is reported, keeps its charge, and keeps nobody else from being compared',
  async (t) => {
    const odd = podOf('odd', '1e400')
    const strange = podOf('strange', '0x10')
    const { did, drifts, compare } = stage(
      [odd, strange, podOf('web', '500m')],
      [rowOf('odd', 100n), rowOf('web', 100n), rowOf('gone', 100n)],
    )
    await compare()
    await compare()
    await compare()
    t.ok(did.includes('correct web pods=1000 requests.cpu=500'))
    t.ok(did.includes('release gone'))
    t.ok(did.includes('adopt strange pods=1000'), 'one that nobody has charged is a pod at least')
    t.notOk(
      did.some((what) => / odd\b/.test(what)),
      'neither given back nor changed',
    )
    t.equal(drifts.filter((kind) => kind === 'unreadable').length, 2, 'each is told once')
  },
)

t.test('one that is finished is given back, whatever its amounts are', async (t) => {
  const done = podOf('odd', '1e400', { status: { phase: 'Succeeded' } })
  const { did, compare } = stage([done], [rowOf('odd', 100n)])
  await compare()
  t.same(did, ['release odd'])
})

t.test(
  'a pod that can not be asked about keeps its charge, and nobody else from being compared',
  async (t) => {
    const { did, compare } = stage([podOf('web', '500m')], [rowOf('lost', 100n), rowOf('web', 100n)], {
      lost: new KubeApiError(500, { reason: 'InternalError' } as never),
    })
    await compare()
    await compare()
    t.same(did, ['correct web pods=1000 requests.cpu=500'])
  },
)
