import { type LimitName, type LimitSettings, makeLimits } from '../../../../src/gateway/limits/index.ts'
import { makeSlots } from '../../../../src/gateway/limits/slots.ts'
import { sourceOf } from '../../../../src/gateway/limits/source.ts'
import { makeTokenBuckets } from '../../../../src/gateway/limits/token-buckets.ts'
import { isIsthmusError } from '../../../../src/protocol/errors/index.ts'
import { noLimits } from '../../../support/gateway-fakes.ts'
import { createManualClock } from '../../../support/manual-clock.ts'
import t from '../../../support/tap.ts'

function limitsOf(settings: Partial<LimitSettings>) {
  const clock = createManualClock()
  const refused: LimitName[] = []
  const limits = makeLimits({
    settings: { ...noLimits, ...settings },
    clock,
    onRefuse: (limit) => refused.push(limit),
  })
  return { clock, refused, limits }
}

/** Seconds after which one is told to come back; 0 when it passed. */
function waitOf(act: () => unknown): number {
  try {
    act()
    return 0
  } catch (error) {
    if (isIsthmusError(error, 'too_many_requests')) return error.details.retryAfterSeconds ?? -1
    throw error
  }
}

t.test('a bucket gives its burst at once, then its rate, and never more than both', async (t) => {
  const clock = createManualClock()
  const buckets = makeTokenBuckets({ rate: { perSecond: 10, burst: 20 }, elapsed: clock.elapsed })
  let given = 0
  for (let ms = 0; ms <= 10_000; ms += 100) {
    while (buckets.take('a') === 0) given += 1
    clock.advance(100)
  }
  t.equal(given, 20 + 100)
  t.equal(buckets.take('b', 20), 0, 'another key has its own')
  t.equal(buckets.take('b', 5), 500, 'the wait is told in milliseconds')
  clock.advance(499)
  t.not(buckets.take('b', 5), 0)
  clock.advance(1)
  t.equal(buckets.take('b', 5), 0)
  clock.advance(1e9)
  t.not(buckets.take('b', 21), 0, 'a long rest saves no more than the burst')
})

t.test('the buckets kept are bounded, whoever asks', async (t) => {
  const buckets = makeTokenBuckets({ rate: { perSecond: 1, burst: 1 }, elapsed: () => 0, max: 100 })
  for (let index = 0; index < 10_000; index++) buckets.take(`source ${index}`)
  t.equal(buckets.size, 100)
})

t.test('slots are given back once, and no key stays behind', async (t) => {
  const slots = makeSlots(2)
  const free = slots.take('a')
  t.ok(slots.take('a'))
  t.equal(slots.take('a'), undefined)
  t.ok(slots.take('b'))
  free?.()
  free?.()
  t.equal(slots.taken('a'), 1)
  t.ok(slots.take('a'))
})

t.test('G8: a wrong secret costs as much as ten right ones, and locks out nobody elsewhere', async (t) => {
  const { limits, clock, refused } = limitsOf({ tokenPerSource: 10, tokenPerCredential: 1 })
  limits.token('192.0.2.1', 'one')
  limits.tokenFailed('192.0.2.1', 'one')
  t.equal(
    waitOf(() => limits.token('192.0.2.1', 'one')),
    1,
    'ten of one a second are gone',
  )
  t.equal(
    waitOf(() => limits.token('198.51.100.1', 'one')),
    0,
    'its owner, elsewhere, is not kept out',
  )
  t.equal(
    waitOf(() => limits.token('192.0.2.1', 'two')),
    0,
    'nor another credential at the same address',
  )
  for (let guess = 0; guess < 20; guess++) {
    if (waitOf(() => limits.token('192.0.2.1', `guess ${guess}`)) === 0)
      limits.tokenFailed('192.0.2.1', `guess ${guess}`)
  }
  t.not(
    waitOf(() => limits.token('192.0.2.1', 'three')),
    0,
    'guessing over many ids is slowed by the source',
  )
  t.same([...new Set(refused)].sort(), ['token-credential', 'token-source'])
  clock.advance(60_000)
  t.equal(
    waitOf(() => limits.token('192.0.2.1', 'three')),
    0,
    'and forgiven',
  )
})

t.test('one tenant’s flood leaves another’s requests alone', async (t) => {
  const { limits } = limitsOf({ kubePerTenant: 5, kubeOpenPerTenant: 3, sessionsPerNode: 1, selfPolls: 1 })
  const frees = [limits.kube('loud'), limits.kube('loud'), limits.kube('loud')]
  t.equal(
    waitOf(() => limits.kube('loud')),
    1,
    'three are open',
  )
  for (const free of frees) free()
  for (let index = 0; index < 100; index++) waitOf(() => limits.kube('loud')())
  t.equal(
    waitOf(() => limits.kube('loud')),
    1,
  )
  t.equal(
    waitOf(() => limits.kube('quiet')),
    0,
  )
  for (let index = 0; index < 100; index++) waitOf(() => limits.session('node'))
  t.equal(
    waitOf(() => limits.session('node')),
    1,
  )
  t.equal(
    waitOf(() => limits.session('other')),
    0,
  )
  const free = limits.selfPoll('credential')
  t.equal(
    waitOf(() => limits.selfPoll('credential')),
    1,
  )
  free()
  t.equal(
    waitOf(() => limits.selfPoll('credential')),
    0,
  )
})

t.test('0 is no limit', async (t) => {
  const { limits } = limitsOf({})
  for (let index = 0; index < 10_000; index++) {
    limits.token('192.0.2.1', 'one')
    limits.tokenFailed('192.0.2.1', 'one')
    limits.session('node')
    limits.kube('tenant')
    limits.selfPoll('credential')
  }
  t.pass('nothing was refused')
})

t.test('a source is an IPv4 address, however it is written, or a /64', async (t) => {
  t.equal(sourceOf('192.0.2.1'), '192.0.2.1')
  t.equal(sourceOf('::ffff:192.0.2.1'), '192.0.2.1')
  t.equal(sourceOf('2001:db8:0:1::1'), '2001:db8:0:1::/64')
  t.equal(sourceOf('2001:db8:0:1:ffff:ffff:ffff:ffff'), '2001:db8:0:1::/64')
  t.not(sourceOf('2001:db8:0:2::1'), sourceOf('2001:db8:0:1::1'))
  t.equal(sourceOf('fe80::1%eth0'), 'fe80:0:0:0::/64')
  t.equal(sourceOf('::1'), '0:0:0:0::/64')
})
