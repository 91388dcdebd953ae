import { tokenLifeMs } from '../../../src/kube/forge/tokens.ts'
import { startHarness, userPod } from '../../support/agent-harness.ts'
import { eventually } from '../../support/eventually.ts'
import { createFakeCluster, type FakeCluster, type Loose } from '../../support/fake-cluster.ts'
import { createFastClock } from '../../support/fast-clock.ts'
import t from '../../support/tap.ts'

const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

/** A user's API server whose own clock is `clock`; each token says when it was made and when it ends. */
function issuing(clock: { now(): number }, options: { skewMs?: number; seconds?: number } = {}) {
  const cluster: FakeCluster & { issued: { iat: number; exp: number }[] } = Object.assign(
    createFakeCluster(),
    {
      issued: [],
    },
  )
  cluster.intercept = (line, request) => {
    if (!line.startsWith('POST serviceaccounts')) return undefined
    const asked = (request.body as Loose).spec.expirationSeconds
    const iat = (clock.now() + (options.skewMs ?? 0)) / 1000
    const exp = iat + (options.seconds ?? asked)
    cluster.issued.push({ iat, exp })
    const token = `${part({ alg: 'RS256' })}.${part({ iat, exp })}.signature${cluster.issued.length}`
    return { status: { token, expirationTimestamp: new Date(exp * 1000).toISOString() } }
  }
  return cluster
}

const withToken = (expirationSeconds: number) => (pod: Loose) => {
  const sources = [{ serviceAccountToken: { path: 'token', expirationSeconds } }]
  pod.spec.volumes = [{ name: 'api', projected: { sources } }]
}

t.test('the life of a token is told by the token itself', (t) => {
  t.equal(tokenLifeMs(`${part({})}.${part({ iat: 100, exp: 700 })}.x`), 600_000)
  for (const odd of ['', 'opaque', `x.${part({ exp: 5 })}.y`, `x.${part({ iat: 9, exp: 5 })}.y`, 'a.bm8.c']) {
    t.equal(tokenLifeMs(odd), undefined, odd)
  }
  t.end()
})

for (const [what, skewMs] of [
  ['ten minutes behind', 600_000],
  ['ten minutes ahead', -600_000],
] as const) {
  t.test(
    `rule 39: with this machine’s clock ${what} a 600 s token is renewed in time, and not in a loop`,
    async (t) => {
      const clock = createFastClock(100)
      const user = issuing(clock, { skewMs })
      const { gateway, stop } = startHarness({ user, clock })
      t.teardown(stop)
      user.seed('pods', userPod('a', withToken(600)))
      await eventually('carried', () => gateway.get('pods', 'default', 'a'))
      await eventually('renewed twice', () => user.issued.length >= 3)
      const [first, second, third] = user.issued
      for (const [before, after] of [
        [first, second],
        [second, third],
      ]) {
        t.ok(after && before && after.iat < before.exp, 'before its end')
        t.ok(after && before && after.iat > before.iat + 200, 'and not at once')
      }
    },
  )
}

t.test(
  'rule 39: a clock that jumps back holds no renewal up, one that jumps ahead makes it earlier',
  async (t) => {
    for (const jumpMs of [-3_600_000, 3_600_000]) {
      const clock = createFastClock(100)
      const server = createFastClock(100)
      const user = issuing(server)
      const { gateway, stop } = startHarness({ user, clock })
      t.teardown(stop)
      user.seed('pods', userPod('a', withToken(600)))
      await eventually('carried', () => gateway.get('pods', 'default', 'a'))
      clock.jump(jumpMs)
      await eventually('renewed', () => user.issued.length >= 2)
      const [first, second] = user.issued
      t.ok(second && first && second.iat < first.exp, `a jump of ${jumpMs} ms`)
    }
  },
)

t.test('a pod of the same name has tokens of its own, and the old ones go with the old pod', async (t) => {
  const clock = createFastClock(1)
  const user = issuing(clock)
  const { gateway, stop } = startHarness({ user, clock })
  t.teardown(stop)
  const secrets = () => gateway.all('secrets').map(({ metadata }) => metadata.name)
  const path = ['api', 'v1', 'namespaces', 'default', 'pods', 'a']
  const old = user.seed('pods', userPod('a', withToken(600))).metadata.uid
  await eventually('carried', () => gateway.get('pods', 'default', 'a'))
  await user.json({ method: 'DELETE', path, body: { gracePeriodSeconds: 0 } })
  const next = user.seed('pods', userPod('a', withToken(600))).metadata.uid
  await eventually('told', () => gateway.get('pods', 'default', 'a').metadata.deletionTimestamp)
  gateway.drop('pods', 'default', 'a')
  await eventually('its own tokens alone', () => {
    return secrets().includes(`isthmus.token-${next}`) && !secrets().includes(`isthmus.token-${old}`)
  })
  const bound = user.requests.filter(({ line }) => line.startsWith('POST serviceaccounts'))
  t.same(
    bound.map(({ body }) => body.spec.boundObjectRef.uid),
    [old, next],
  )
})

t.test(
  'a token that the API server refuses is told on the pod after a moment, and asked for again',
  async (t) => {
    const clock = createFastClock(50)
    const user = createFakeCluster()
    user.intercept = (line) => {
      if (line.startsWith('POST serviceaccounts')) throw new Error('audience is not allowed')
      return undefined
    }
    const { gateway, stop } = startHarness({ user, clock })
    t.teardown(stop)
    user.seed('pods', userPod('a', withToken(600)))
    await eventually('it says so', () =>
      user
        .get('pods', 'default', 'a')
        .status.conditions.some(
          ({ reason, message }: Loose) => reason === 'DependencyFailed' && /audience/.test(message),
        ),
    )
    user.intercept = issuing(clock).intercept
    t.ok(await eventually('carried', () => gateway.get('pods', 'default', 'a')))
  },
)
