import { keepRoleBindings } from '../../../../src/gateway/upstream/index.ts'
import { KubeUnreachableError } from '../../../../src/kube/client/types.ts'
import { silentLogger } from '../../../../src/lib/logger.ts'
import { eventually } from '../../../support/eventually.ts'
import { apiError, createFakeCluster } from '../../../support/fake-cluster.ts'
import { createManualClock } from '../../../support/manual-clock.ts'
import t, { type Test } from '../../../support/tap.ts'

const ROLE = 'isthmus-tenant-namespace'

function setUp(t: Test, names = ['t-a', 't-b']) {
  const cluster = createFakeCluster()
  const clock = createManualClock()
  const mine = new Set(['c1'])
  const repaired: string[] = []
  const start = () => {
    const keeper = keepRoleBindings({
      clusters: () => [...mine],
      namespaces: () => names,
      client: () => cluster,
      clock,
      logger: silentLogger,
      random: () => 0,
      onRepair: (id) => repaired.push(id),
    })
    t.teardown(() => keeper.close())
    return keeper
  }
  const binding = (namespace: string) => cluster.get('rolebindings', namespace, ROLE)
  const whole = () => names.every((name) => binding(name) !== undefined)
  const lines = (start: string) => cluster.requests.filter(({ line }) => line.startsWith(start))
  return { cluster, clock, mine, names, repaired, start, binding, whole, lines }
}

t.test(
  'rule 9: a RoleBinding that is gone is back without a request, and one that is there is left alone',
  async (t) => {
    const { cluster, start, binding, whole, lines, repaired } = setUp(t)
    start()
    await eventually('all are bound', whole)
    const before = binding('t-b')?.metadata.uid
    cluster.drop('rolebindings', 't-a', ROLE)
    await eventually('it is back', whole)
    t.equal(binding('t-b')?.metadata.uid, before)
    t.equal(lines('POST').length, 3)
    await eventually('it was told of', () => repaired.length === 3)
    t.match(binding('t-a')?.roleRef, { kind: 'ClusterRole', name: ROLE })
  },
)

t.test(
  'rule 9: replicas that look after the same data plane for a moment make one binding, and never take one away',
  async (t) => {
    const { cluster, start, whole, lines } = setUp(t)
    start()
    start()
    start()
    await eventually('all are bound', whole)
    cluster.drop('rolebindings', 't-a', ROLE)
    await eventually('it is back', whole)
    t.same(lines('DELETE'), [])
    t.same(lines('PUT'), [])
  },
)

t.test('rule 9: a data plane that nobody gave to this replica is not asked', async (t) => {
  const { cluster, mine, start, whole } = setUp(t)
  mine.clear()
  const keeper = start()
  await new Promise((resolve) => setImmediate(resolve))
  t.same(cluster.requests, [])
  mine.add('c1')
  await eventually('it is, when it was', whole)
  await keeper.close()
})

t.test(
  'rule 9: a data plane that is away is asked less and less often, up to 5 minutes, and at once kept again',
  async (t) => {
    const { cluster, clock, start, whole } = setUp(t, ['t-a'])
    const asked: number[] = []
    cluster.intercept = () => {
      asked.push(clock.elapsed())
      throw new KubeUnreachableError('away', undefined)
    }
    start()
    await eventually('it was asked often', () => asked.length > 14)
    const waits = asked.slice(1).map((at, index) => at - (asked[index] ?? 0))
    t.ok((waits[0] ?? 0) <= 2_000, `${waits[0]} ms after the first`)
    t.ok(
      waits.every((wait, index) => index === 0 || wait >= (waits[index - 1] ?? 0) - 1_000),
      waits.join(),
    )
    t.ok(
      waits.every((wait) => wait <= 301_000),
      waits.join(),
    )
    t.ok((waits[12] ?? 0) >= 150_000, waits.join())
    cluster.intercept = undefined
    await eventually('it is kept', whole)
  },
)

t.test('rule 9: a namespace that is going or refuses does not hold up the others', async (t) => {
  const { cluster, start, binding, lines } = setUp(t, ['t-gone', 't-going', 't-odd', 't-good'])
  cluster.intercept = (line) => {
    if (line === 'POST rolebindings/t-gone') throw apiError(404, 'NotFound')
    if (line === 'POST rolebindings/t-going') {
      throw apiError(403, 'Forbidden', 'being terminated', [{ reason: 'NamespaceTerminating' }])
    }
    if (line === 'POST rolebindings/t-odd') throw apiError(403, 'Forbidden')
    return undefined
  }
  start()
  await eventually('the last is bound', () => binding('t-good') !== undefined)
  await eventually('and the odd one is tried again', () => lines('POST rolebindings/t-odd').length > 2)
})
