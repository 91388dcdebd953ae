import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import type { ReservationRequest } from '../../../src/gateway/quota/index.ts'
import { postgresLedger } from '../../../src/gateway/store/ledger.ts'
import { postgresReconciliation } from '../../../src/gateway/store/reconciliation.ts'
import { isIsthmusError } from '../../../src/protocol/errors/index.ts'
import { eventually } from '../../support/eventually.ts'
import { makeRows, type RowsOfTenant, setHard } from '../../support/gateway-rows.ts'
import { startTestServer } from '../../support/postgres.ts'
import t from '../../support/tap.ts'

const server = await startTestServer()
t.teardown(() => server.stop())
const database = await server.open()
const ledger = postgresLedger(database)

function request(rows: RowsOfTenant, amounts: Record<string, bigint>, id = randomUUID()): ReservationRequest {
  const name = `p-${id}`
  return {
    id,
    ...rows,
    namespace: 'default',
    physicalNamespace: 't-x',
    name,
    amounts: new Map(Object.entries(amounts)),
  }
}
async function sums(rows: RowsOfTenant, owner: 'tenant' | 'node' = 'tenant') {
  const found = await database.query<{ resource: string; used: string; reserved: string }>(
    'select resource, used, reserved from ledger where owner_id = $1',
    [owner === 'tenant' ? rows.tenantId : rows.nodeId],
  )
  return Object.fromEntries(found.map((row) => [row.resource, [BigInt(row.used), BigInt(row.reserved)]]))
}
async function tenantWithRoom(pods: bigint): Promise<RowsOfTenant> {
  const rows = await makeRows(database)
  await setHard(database, rows, 'tenant', 'pods', pods * 1000n)
  await setHard(database, rows, 'node', 'pods', 1_000_000n)
  return rows
}

t.test('F1: of 50 parallel reserves over two pools with room for 7, exactly 7 succeed', async (t) => {
  const url = await server.migratedDatabase()
  const pools = [await server.open(url), await server.open(url)]
  const rows = await makeRows(pools[0]!)
  await setHard(pools[0]!, rows, 'tenant', 'pods', 7_000n)
  await setHard(pools[0]!, rows, 'tenant', 'requests.cpu', 1_000_000n)
  await setHard(pools[0]!, rows, 'node', 'pods', 1_000_000n)
  await setHard(pools[0]!, rows, 'node', 'requests.cpu', 1_000_000n)
  const ledgers = pools.map((pool) => postgresLedger(pool))
  const outcomes = await Promise.allSettled(
    Array.from({ length: 50 }, (_, index) =>
      ledgers[index % 2]!.reserve(request(rows, { pods: 1000n, 'requests.cpu': 250n })),
    ),
  )
  const refused = outcomes.filter((outcome) => outcome.status === 'rejected')
  t.equal(outcomes.length - refused.length, 7)
  t.ok(refused.every((outcome) => isIsthmusError(outcome.reason, 'quota_exceeded')))
  const [row] = await pools[0]!.query('select reserved from ledger where owner_id = $1 and resource = $2', [
    rows.tenantId,
    'requests.cpu',
  ])
  t.same(row, { reserved: '1750' }, 'a refused reservation took nothing of the other resource')
})

t.test('F12: creates of one tenant that come at once share transactions', async (t) => {
  const rows = await tenantWithRoom(150n)
  let transactions = 0
  const counted = postgresLedger({
    ...database,
    forTenant: (tenantId, work) => {
      transactions++
      return database.forTenant(tenantId, work)
    },
    query: (...args) => {
      transactions++
      return database.query(...args)
    },
  })
  const asked = Array.from({ length: 150 }, () => request(rows, { pods: 1000n }))
  await Promise.all(asked.map((one) => counted.reserve(one)))
  t.same(await sums(rows), { pods: [0n, 150_000n] })
  await Promise.all(
    asked.map(({ id }) => counted.commit(id, { uid: id, amounts: new Map([['pods', 1000n]]) })),
  )
  t.same(await sums(rows), { pods: [150_000n, 0n] })
  await Promise.all(asked.map(({ id }) => counted.release(id)))
  t.same(await sums(rows), { pods: [0n, 0n] })
  t.ok(transactions < 30, `${transactions} for 450`)
})

t.test('what does not fit together is decided one by one', async (t) => {
  const rows = await tenantWithRoom(5n)
  const sizes = [1n, 3n, 4n, 1n, 9n]
  const outcomes = await Promise.allSettled(
    sizes.map((pods) => ledger.reserve(request(rows, { pods: pods * 1000n }))),
  )
  const admitted = sizes.filter((_, index) => outcomes[index]?.status === 'fulfilled')
  const taken = admitted.reduce((all, one) => all + one, 0n)
  t.same(await sums(rows), { pods: [0n, taken * 1000n] })
  t.ok(taken >= 4n && taken <= 5n, `${taken} of 5`)
  for (const outcome of outcomes) {
    if (outcome.status === 'rejected') t.ok(isIsthmusError(outcome.reason, 'quota_exceeded'))
  }
})

t.test('F1: the node, not only the tenant, bounds', async (t) => {
  const rows = await tenantWithRoom(100n)
  await setHard(database, rows, 'node', 'pods', 2_000n)
  await ledger.reserve(request(rows, { pods: 2000n }))
  await t.rejects(ledger.reserve(request(rows, { pods: 1000n })), { code: 'quota_exceeded' })
})

t.test('F4: the same reservation 20 times at once is charged once', async (t) => {
  const rows = await tenantWithRoom(5n)
  const id = randomUUID()
  await Promise.all(Array.from({ length: 20 }, () => ledger.reserve(request(rows, { pods: 1000n }, id))))
  t.same(await sums(rows), { pods: [0n, 1000n] })
})

t.test('commit charges what the data plane returned; release frees it; both are idempotent', async (t) => {
  const rows = await tenantWithRoom(5n)
  await setHard(database, rows, 'tenant', 'limits.cpu', 'unlimited')
  const asked = request(rows, { pods: 1000n, 'limits.cpu': 100n })
  await ledger.reserve(asked)
  const object = {
    uid: 'u',
    amounts: new Map([
      ['pods', 1000n],
      ['limits.cpu', 300n],
    ]),
  }
  await ledger.commit(asked.id, object)
  await ledger.commit(asked.id, object)
  t.same(await sums(rows), { pods: [1000n, 0n], 'limits.cpu': [300n, 0n] })
  t.same(await sums(rows, 'node'), { pods: [1000n, 0n] })
  await Promise.all([ledger.release(asked.id), ledger.release(asked.id)])
  t.same(await sums(rows), { pods: [0n, 0n], 'limits.cpu': [0n, 0n] })
  await ledger.release(randomUUID())
  await ledger.commit(randomUUID(), object)
})

t.test('F8: a missing hard refuses, unlimited admits, a lowered hard admits nothing new', async (t) => {
  const rows = await tenantWithRoom(5n)
  await t.rejects(ledger.reserve(request(rows, { pods: 1000n, 'limits.cpu': 1n })), {
    code: 'quota_exceeded',
    details: { causes: [{ field: 'limits.cpu' }] },
  })
  await ledger.reserve(request(rows, { pods: 3000n }))
  await setHard(database, rows, 'tenant', 'pods', 1000n)
  await t.rejects(ledger.reserve(request(rows, { pods: 1000n })), { code: 'quota_exceeded' })
  t.same(await sums(rows), { pods: [0n, 3000n] }, 'over-committed and shown')
})

t.test('resources that no hard names are counted without a limit where the quota says so', async (t) => {
  const rows = await tenantWithRoom(5n)
  await database.query(`update tenants set quota_others = 'unlimited' where id = $1`, [rows.tenantId])
  await ledger.reserve(request(rows, { pods: 1000n, 'limits.memory': 5n }))
  t.same(await sums(rows), { pods: [0n, 1000n], 'limits.memory': [0n, 5n] })
})

t.test(
  'the first objects of a resource that nobody has counted yet all fit, however many come at once',
  async (t) => {
    const rows = await tenantWithRoom(100n)
    await database.query(`update tenants set quota_others = 'unlimited' where id = $1`, [rows.tenantId])
    const asked = Array.from({ length: 20 }, () => request(rows, { pods: 1000n, 'limits.memory': 5n }))
    await Promise.all(asked.map((one) => ledger.reserve(one)))
    t.same((await sums(rows))['limits.memory'], [0n, 100n])
  },
)

t.test('a refusal names requested, used and hard', async (t) => {
  const rows = await tenantWithRoom(1n)
  await ledger.reserve(request(rows, { pods: 1000n }))
  const error = await ledger.reserve(request(rows, { pods: 1000n })).catch((e) => e)
  t.match(error.message, /exceeded quota of pods: requested 1, used 1, limited 1/)
})

t.test('grow is within hard, never less than what is held, and can be undone', async (t) => {
  const rows = await tenantWithRoom(5n)
  const asked = request(rows, { pods: 1000n })
  await ledger.reserve(asked)
  await ledger.commit(asked.id, { uid: 'u', amounts: asked.amounts })
  const grow = (pods: bigint) => ledger.grow(asked.id, new Map([['pods', pods]]))
  await t.rejects(grow(6000n), { code: 'quota_exceeded' })
  const undo = await grow(4000n)
  t.same(await sums(rows), { pods: [4000n, 0n] })
  await undo()
  await undo()
  t.same(await sums(rows), { pods: [1000n, 0n] }, 'once')
  await grow(4000n)
  await setHard(database, rows, 'tenant', 'pods', 1000n)
  await grow(3000n)
  t.same(await sums(rows), { pods: [4000n, 0n] })
  await t.rejects(
    ledger.grow(randomUUID(), asked.amounts),
    { code: 'unavailable' },
    'not charged: fails closed',
  )
})

t.test(
  'F6: the reconciler sees that a growth’s write may be under way, and overwrites nothing newer',
  async (t) => {
    const rows = await tenantWithRoom(9n)
    const asked = request(rows, { pods: 1000n })
    await ledger.reserve(asked)
    await ledger.commit(asked.id, { uid: 'u', amounts: asked.amounts })
    const store = postgresReconciliation(database)
    const row = async () => (await store.reservations(rows.clusterId))[0]!
    const before = await row()
    await eventually('committed: nothing is under way', async () => (await row()).expired)
    await ledger.grow(asked.id, new Map([['pods', 4000n]]))
    t.equal((await row()).expired, false)
    t.equal(await store.correct(before, { uid: 'u', amounts: asked.amounts }), false)
    t.same(await sums(rows), { pods: [4000n, 0n] })
    t.equal(await store.correct(await row(), { uid: 'u', amounts: new Map([['pods', 2000n]]) }), true)
    t.same(await sums(rows), { pods: [2000n, 0n] })
    t.same(await sums(rows, 'node'), { pods: [2000n, 0n] })
    const second = request(rows, { pods: 1000n })
    await ledger.reserve(second)
    const reserved = (await store.reservations(rows.clusterId)).find(({ id }) => id === second.id)!
    t.equal(await store.correct(reserved, { uid: 'v', amounts: new Map([['pods', 3000n]]) }), true)
    t.same(await sums(rows), { pods: [5000n, 0n] })
    t.equal(await store.repairSums(rows.clusterId), 0, 'the sums are those of the reservations')
  },
)

t.test('F6: a resize that is refused takes nothing back on which another one relies', async (t) => {
  for (const second of [2000n, 4000n, 5000n]) {
    const rows = await tenantWithRoom(5n)
    const asked = request(rows, { pods: 1000n })
    await ledger.reserve(asked)
    await ledger.commit(asked.id, { uid: 'u', amounts: asked.amounts })
    const refused = await ledger.grow(asked.id, new Map([['pods', second]]))
    await ledger.grow(asked.id, new Map([['pods', 4000n]])) // and its write succeeds
    await refused()
    const [used = 0n] = (await sums(rows)).pods ?? []
    t.ok(used >= 4000n, `${used} after ${second}`)
  }
})

t.test('F12: random reserves, commits and releases at once never deadlock, overrun or drift', async (t) => {
  const resources = ['pods', 'limits.cpu', 'limits.memory']
  const amounts = fc.dictionary(fc.constantFrom(...resources), fc.bigInt(1n, 4000n), { minKeys: 1 })
  const operation = fc.record({
    amounts,
    fate: fc.constantFrom('keep', 'commit', 'release', 'both'),
    late: fc.boolean(),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(operation, { minLength: 5, maxLength: 25 }), async (operations) => {
      const rows = await makeRows(database)
      for (const resource of resources) await setHard(database, rows, 'tenant', resource, 20_000n)
      await setHard(database, rows, 'node', 'pods', 15_000n)
      const model = new Map<string, bigint>()
      await Promise.all(
        operations.map(async ({ amounts: asked, fate }) => {
          const wanted = request(rows, asked)
          try {
            await ledger.reserve(wanted)
          } catch (error) {
            if (isIsthmusError(error, 'quota_exceeded')) return
            throw error
          }
          if (fate === 'commit' || fate === 'both')
            await ledger.commit(wanted.id, { uid: 'u', amounts: wanted.amounts })
          if (fate === 'release' || fate === 'both') return ledger.release(wanted.id)
          for (const [resource, amount] of wanted.amounts)
            model.set(resource, (model.get(resource) ?? 0n) + amount)
        }),
      )
      for (const [resource, [used, reserved]] of Object.entries(await sums(rows))) {
        if (used! + reserved! !== (model.get(resource) ?? 0n) || used! + reserved! > 20_000n) return false
      }
      return true
    }),
    { numRuns: 25 },
  )
  t.pass('the sums are those of the model')
})
