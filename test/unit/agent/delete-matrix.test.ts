import { type AgentHarness, ended, running, startHarness, userPod } from '../../support/agent-harness.ts'
import { eventually } from '../../support/eventually.ts'
import type { FakeCluster, Loose } from '../../support/fake-cluster.ts'
import { createFastClock } from '../../support/fast-clock.ts'
import t, { type Test } from '../../support/tap.ts'

const waiting = (reason: string) => (pod: Loose) => {
  running(pod)
  pod.status.containerStatuses[0].ready = false
  pod.status.containerStatuses[0].state = { waiting: { reason } }
}

const states: Record<string, (pod: Loose) => void> = {
  running,
  crashing: waiting('CrashLoopBackOff'),
  pulling(pod) {
    waiting('ImagePullBackOff')(pod)
    pod.status.phase = 'Pending'
  },
  initialising(pod) {
    waiting('PodInitializing')(pod)
    pod.status.phase = 'Pending'
    const state = { running: { startedAt: new Date().toISOString() } }
    pod.status.initContainerStatuses = [{ name: 'first', ready: false, restartCount: 0, state }]
  },
  ended: (pod) => ended(pod, 0),
}

const ways = ['gracefully', 'forced', 'replaced'] as const
type Way = (typeof ways)[number]

interface Case {
  name: string
  state: string
  way: Way
  /** Of the user's first pod, and of the pod that carried it. */
  uid: string
  carriedUid: string
}

const carried = (gateway: FakeCluster, name: string) => gateway.get('pods', 'default', name)
const ownerOf = (pod: Loose) => pod?.metadata.annotations['agent.isthmus.dev/uid']

async function carryAll({ user, gateway }: AgentHarness): Promise<Case[]> {
  const cases: Case[] = []
  for (const [state, write] of Object.entries(states)) {
    for (const way of ways) {
      const name = `${state}-${way}`
      const { uid } = user.seed('pods', userPod(name)).metadata
      await eventually('carried', () => carried(gateway, name))
      gateway.update('pods', 'default', name, write)
      const { phase } = carried(gateway, name).status
      await eventually('level', () => user.get('pods', 'default', name).status.phase === phase)
      cases.push({ name, state, way, uid, carriedUid: carried(gateway, name).metadata.uid })
    }
  }
  return cases
}

async function deleteAll(user: FakeCluster, cases: Case[]): Promise<void> {
  for (const { name, way } of cases) {
    const body = way === 'gracefully' ? {} : { gracePeriodSeconds: 0 }
    await user.json({ method: 'DELETE', path: ['api', 'v1', 'namespaces', 'default', 'pods', name], body })
    if (way === 'replaced') user.seed('pods', userPod(name))
  }
}

/** Plays the data plane's kubelet: each pod that was told to end ends and goes. Checks the guarantees as it does. */
async function endAll(t: Test, { user, gateway }: AgentHarness, cases: Case[], restarted: boolean) {
  for (const { name, state, way, uid, carriedUid } of cases) {
    const isFirst = (pod: Loose) => pod?.metadata.uid === carriedUid
    const going = await eventually(`${name} is told to end`, () => {
      const pod = carried(gateway, name)
      // One that has ended already goes with the delete itself.
      if (!isFirst(pod)) return state === 'ended' && 'gone'
      return pod.metadata.deletionTimestamp && pod
    })
    if (going === 'gone') continue
    const object = user.get('pods', 'default', name)
    if (way === 'gracefully') t.equal(object?.metadata.uid, uid, `${name}: still there`)
    if (way === 'replaced') t.not(object?.metadata.uid, uid)
    // A process that started since knows nothing of a force: the pod's own grace is the safe answer.
    if (way !== 'gracefully' && !restarted) {
      t.equal(going.metadata.deletionGracePeriodSeconds, 1, `${name}: at once`)
    }
    gateway.update('pods', 'default', name, (pod) => ended(pod, 0))
    gateway.drop('pods', 'default', name)
  }
  for (const { name, way, uid } of cases) {
    if (way === 'replaced') {
      const next = await eventually(`${name} is carried anew`, () => carried(gateway, name))
      t.equal(ownerOf(next), user.get('pods', 'default', name).metadata.uid)
      t.not(ownerOf(next), uid)
      t.equal(next.metadata.deletionTimestamp, undefined, `${name}: the new one is left alone`)
    } else {
      await eventually(`${name} is gone on both sides`, () => {
        return !carried(gateway, name) && !user.get('pods', 'default', name)
      })
    }
  }
  const bare = gateway.requests.filter(
    ({ line, body }) =>
      line.startsWith('DELETE pods/') && !(body.preconditions?.uid && body.gracePeriodSeconds >= 1),
  )
  t.same(bare, [], 'every delete names its UID and a grace of at least 1')
}

t.test('deletion, every state and way, with the gateway there', async (t) => {
  const harness = startHarness()
  t.teardown(harness.stop)
  const cases = await carryAll(harness)
  await deleteAll(harness.user, cases)
  await endAll(t, harness, cases, false)
})

t.test('deletion, every state and way, with the gateway away for two minutes', async (t) => {
  const clock = createFastClock(100)
  const harness = startHarness({ clock })
  t.teardown(harness.stop)
  const cases = await carryAll(harness)
  harness.gateway.setDown(true)
  await deleteAll(harness.user, cases)
  const until = clock.elapsed() + 120_000
  await eventually('two minutes later', () => clock.elapsed() > until)
  for (const { name, way, state } of cases) {
    if (way === 'gracefully' && state !== 'ended') {
      t.ok(harness.user.get('pods', 'default', name), `${name} is Terminating until somebody knows`)
    }
  }
  harness.gateway.setDown(false)
  await endAll(t, harness, cases, false)
})

t.test('deletion, every state and way, with the agent killed in the middle of it', async (t) => {
  const clock = createFastClock(100)
  const first = startHarness({ clock })
  const all = await carryAll(first)
  // No more orphans at once than the collector removes.
  const cases = all.filter(({ name }) => name !== 'ended-replaced')
  await first.stop()
  await deleteAll(first.user, cases)
  const second = startHarness({ clock, user: first.user, gateway: first.gateway })
  t.teardown(second.stop)
  await endAll(t, second, cases, true)
})

t.test('a second delete by force, after which the object is gone at once, shortens the grace', async (t) => {
  const { user, gateway, stop } = startHarness()
  t.teardown(stop)
  user.seed('pods', userPod('a'))
  await eventually('carried', () => carried(gateway, 'a'))
  gateway.update('pods', 'default', 'a', running)
  const path = ['api', 'v1', 'namespaces', 'default', 'pods', 'a']
  await user.json({ method: 'DELETE', path })
  await eventually('told', () => carried(gateway, 'a').metadata.deletionGracePeriodSeconds === 30)
  await user.json({ method: 'DELETE', path, body: { gracePeriodSeconds: 0 } })
  t.notOk(user.get('pods', 'default', 'a'))
  await eventually('told again', () => carried(gateway, 'a').metadata.deletionGracePeriodSeconds === 1)
})

t.test(
  'a name used again is carried as soon as the pod before it has gone, not a back-off later',
  async (t) => {
    // A clock that stands still: no delay of the queue ever ends.
    const clock = { ...createFastClock(1), sleep: standStill }
    const { user, gateway, stop } = startHarness({ clock })
    t.teardown(stop)
    const first = user.seed('pods', userPod('a'))
    await eventually('carried', () => carried(gateway, 'a'))
    await user.json({
      method: 'DELETE',
      path: ['api', 'v1', 'namespaces', 'default', 'pods', 'a'],
      body: { gracePeriodSeconds: 0 },
    })
    user.seed('pods', userPod('a'))
    await eventually('the new one was refused', () =>
      user.all('events').some(({ reason }) => reason === 'NameInUse'),
    )
    gateway.drop('pods', 'default', 'a')
    const next = await eventually('carried', () => carried(gateway, 'a'))
    t.not(ownerOf(next), first.metadata.uid)
  },
)

function standStill(_ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((_resolve, reject) => {
    if (signal?.aborted) reject(signal.reason)
    else signal?.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}
