import { startHarness, userPod } from '../../support/agent-harness.ts'
import { eventually } from '../../support/eventually.ts'
import type { Loose } from '../../support/fake-cluster.ts'
import { createFastClock } from '../../support/fast-clock.ts'
import t from '../../support/tap.ts'

const text = (value: string) => Buffer.from(value).toString('base64')
const secret = (value: string, immutable?: boolean) => ({
  metadata: { name: 'keys', namespace: 'default' },
  data: { k: text(value) },
  immutable,
})
const withSecret = (pod: Loose) => {
  pod.spec.volumes = [{ name: 's', secret: { secretName: 'keys' } }]
}

t.test(
  'an immutable object made anew is read again before another pod uses it, and copied anew',
  async (t) => {
    const { user, gateway, stop } = startHarness()
    t.teardown(stop)
    user.seed('secrets', secret('old', true))
    user.seed('pods', userPod('a', withSecret))
    await eventually('carried', () => gateway.get('pods', 'default', 'a'))
    const first = gateway.get('secrets', 'default', 'keys').metadata.uid
    user.drop('secrets', 'default', 'keys')
    user.seed('secrets', secret('new', true))
    user.seed('pods', userPod('b', withSecret))
    await eventually('carried', () => gateway.get('pods', 'default', 'b'))
    const copy = gateway.get('secrets', 'default', 'keys')
    t.equal(copy.data.k, text('new'), 'before the pod')
    t.equal(copy.immutable, true)
    t.not(copy.metadata.uid, first, 'an immutable copy can only be made anew')
    await eventually('not watched', () => !user.openWatches().some((watch) => watch.startsWith('secrets')))
  },
)

t.test('an immutable object made anew while pods use it is brought along within minutes', async (t) => {
  const { user, gateway, stop } = startHarness({ clock: createFastClock(500) })
  t.teardown(stop)
  user.seed('secrets', secret('old', true))
  user.seed('pods', userPod('a', withSecret))
  await eventually('carried', () => gateway.get('pods', 'default', 'a'))
  user.drop('secrets', 'default', 'keys')
  user.seed('secrets', secret('new', true))
  const copied = await eventually('the new one', () => {
    return gateway.get('secrets', 'default', 'keys')?.data.k === text('new')
  })
  t.ok(copied)
})

t.test(
  'an object that changes 100 times a second is written about ten times, and the last value arrives',
  async (t) => {
    const { user, gateway, stop } = startHarness()
    t.teardown(stop)
    user.seed('secrets', secret('0'))
    user.seed('pods', userPod('a', withSecret))
    await eventually('carried', () => gateway.get('pods', 'default', 'a'))
    const writes = () => gateway.requests.filter(({ line }) => line === 'PUT secrets/default/keys').length
    const started = performance.now()
    for (let round = 1; round <= 100; round += 1) {
      user.update('secrets', 'default', 'keys', (object) => {
        object.data.k = text(String(round))
      })
      const due = started + round * 10
      await eventually('its turn', () => performance.now() >= due)
    }
    const took = performance.now() - started
    await eventually('the last', () => gateway.get('secrets', 'default', 'keys').data.k === text('100'))
    t.ok(writes() <= Math.ceil(took / 100) + 2, `${writes()} writes in ${Math.round(took)} ms`)
    t.ok(writes() >= 2, 'and not only at the end')
  },
)

t.test('one change is written at once', async (t) => {
  // A clock that stands still: nothing that waits ever goes on.
  const clock = { ...createFastClock(1), elapsed: () => 0, sleep: () => new Promise<void>(() => {}) }
  const { user, gateway } = startHarness({ clock })
  t.teardown(() => Promise.all([user.close(), gateway.close()]))
  user.seed('secrets', secret('1'))
  user.seed('pods', userPod('a', withSecret))
  await eventually('carried', () => gateway.get('pods', 'default', 'a'))
  user.update('secrets', 'default', 'keys', (object) => {
    object.data.k = text('2')
  })
  t.ok(await eventually('the edit', () => gateway.get('secrets', 'default', 'keys').data.k === text('2')))
})

t.test(
  'what the last pod lets go is there again for the next, though its removal is under way',
  async (t) => {
    const { user, gateway, stop } = startHarness()
    t.teardown(stop)
    user.seed('secrets', secret('1'))
    user.seed('pods', userPod('a', withSecret))
    await eventually('carried', () => gateway.get('pods', 'default', 'a'))
    const removing = Promise.withResolvers<undefined>()
    const begun = new Set<string>()
    gateway.intercept = (line) => {
      if (!/^DELETE (configmaps|secrets)/.test(line)) return undefined
      begun.add(line)
      return removing.promise
    }
    await user.json({
      method: 'DELETE',
      path: ['api', 'v1', 'namespaces', 'default', 'pods', 'a'],
      body: { gracePeriodSeconds: 0 },
    })
    await eventually('told', () => gateway.get('pods', 'default', 'a').metadata.deletionTimestamp)
    gateway.drop('pods', 'default', 'a')
    await eventually('all is being removed', () => begun.size === 3)
    user.seed('pods', userPod('b', withSecret))
    await eventually('it is looked at', () => user.openWatches().some((watch) => watch.startsWith('secrets')))
    await new Promise((resolve) => setImmediate(resolve))
    removing.resolve(undefined)
    await eventually('carried', () => gateway.get('pods', 'default', 'b'))
    await eventually('all is there', () => {
      const names = [...gateway.all('configmaps'), ...gateway.all('secrets')].map(
        ({ metadata }) => metadata.name,
      )
      return names.sort().join() === 'isthmus.kubernetes-env,isthmus.service-env,keys'
    })
    const lines = gateway.requests.map(({ line, body }) => `${line} ${body?.metadata?.name ?? ''}`)
    const made = lines.lastIndexOf('POST pods/default b')
    for (const name of ['isthmus.service-env', 'isthmus.kubernetes-env']) {
      t.ok(lines.lastIndexOf(`POST configmaps/default ${name}`) < made, `${name} before the pod`)
      t.ok(
        lines.lastIndexOf(`POST configmaps/default ${name}`) >
          lines.lastIndexOf(`DELETE configmaps/default/${name} `),
      )
    }
  },
)
