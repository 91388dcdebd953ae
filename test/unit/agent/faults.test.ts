import { KubeApiError, KubeUnreachableError } from '../../../src/kube/index.ts'
import { running, startHarness, userPod } from '../../support/agent-harness.ts'
import { eventually } from '../../support/eventually.ts'
import { apiError, createFakeCluster, type FakeCluster, type Loose } from '../../support/fake-cluster.ts'
import { createFastClock } from '../../support/fast-clock.ts'
import t from '../../support/tap.ts'

const path = (name: string) => ['api', 'v1', 'namespaces', 'default', 'pods', name]
const posts = (gateway: FakeCluster) => gateway.requests.filter(({ line }) => line === 'POST pods/default')

function tooMany(retryAfterSeconds: number): KubeApiError {
  const { status } = apiError(429, 'TooManyRequests', 'slow down')
  return new KubeApiError(429, status, retryAfterSeconds)
}

const passing: Record<string, () => Error> = {
  'a 409 of another writer': () => apiError(409, 'Conflict', 'the writer is another'),
  'a 429': () => tooMany(2),
  'a 500': () => apiError(500, 'InternalError'),
  'a 503': () => apiError(503, 'ServiceUnavailable'),
  'a 504': () => apiError(504, 'Timeout'),
  'half an answer': () => new KubeUnreachableError('the answer ended early', undefined),
}

for (const [what, make] of Object.entries(passing)) {
  t.test(`${what} to a create delays the pod and nothing else: it is carried once`, async (t) => {
    const clock = createFastClock(20)
    const { user, gateway, stop } = startHarness({ clock })
    t.teardown(stop)
    let left = 3
    gateway.intercept = (line) => {
      if (line !== 'POST pods/default' || left === 0) return undefined
      left -= 1
      throw make()
    }
    const { uid } = user.seed('pods', userPod('a')).metadata
    const carried = await eventually('carried', () => gateway.get('pods', 'default', 'a'))
    t.equal(carried.metadata.annotations['agent.isthmus.dev/uid'], uid)
    t.equal(posts(gateway).length, 4, 'three that failed and one')
    t.not(user.get('pods', 'default', 'a').status.phase, 'Failed')
  })
}

t.test('a create whose answer was lost is found to be done, and not done again', async (t) => {
  const { user, gateway, stop } = startHarness({ clock: createFastClock(20) })
  t.teardown(stop)
  let lost = false
  gateway.intercept = (line, request) => {
    if (line !== 'POST pods/default' || lost) return undefined
    lost = true
    gateway.seed('pods', { ...(request.body as Loose), status: { phase: 'Pending' } })
    throw new KubeUnreachableError('the answer ended early', undefined)
  }
  user.seed('pods', userPod('a'))
  await eventually('carried', () => gateway.get('pods', 'default', 'a'))
  const { uid } = gateway.get('pods', 'default', 'a').metadata
  gateway.update('pods', 'default', 'a', running)
  await eventually('Running', () => user.get('pods', 'default', 'a').status.phase === 'Running')
  t.equal(gateway.get('pods', 'default', 'a').metadata.uid, uid)
  t.equal(gateway.all('pods').length, 1)
})

t.test('a 429 is waited out for as long as its Retry-After says', async (t) => {
  const clock = createFastClock(20)
  const { user, gateway, stop } = startHarness({ clock })
  t.teardown(stop)
  const at: number[] = []
  gateway.intercept = (line) => {
    if (line !== 'POST pods/default') return undefined
    at.push(clock.elapsed())
    if (at.length > 1) return undefined
    throw tooMany(20)
  }
  user.seed('pods', userPod('a'))
  await eventually('carried', () => gateway.get('pods', 'default', 'a'))
  t.ok(Number(at[1]) - Number(at[0]) >= 19_900, `${at}`)
})

t.test('a pod that is refused for good is tried now and then, not in a loop, and told once', async (t) => {
  const clock = createFastClock(40)
  const { user, gateway, stop } = startHarness({ clock })
  t.teardown(stop)
  gateway.intercept = (line) => {
    if (line !== 'POST pods/default') return undefined
    const cause = { field: 'spec.hostNetwork', reason: 'FieldValueForbidden', message: 'not possible' }
    throw apiError(422, 'Invalid', 'refused', [cause])
  }
  user.seed('pods', userPod('refused'))
  const odd: Record<string, (pod: Loose) => void> = {
    claim: (pod) => {
      pod.spec.volumes = [{ name: 'v', persistentVolumeClaim: { claimName: 'data' } }]
    },
    ephemeral: (pod) => {
      pod.spec.volumes = [{ name: 'v', ephemeral: { volumeClaimTemplate: { spec: {} } } }]
    },
    network: (pod) => {
      pod.spec.hostNetwork = true
    },
    mirror: (pod) => {
      pod.metadata.annotations = { 'kubernetes.io/config.mirror': 'abc' }
    },
    daemon: (pod) => {
      pod.metadata.ownerReferences = [{ kind: 'DaemonSet', name: 'proxy', controller: true }]
    },
  }
  for (const [name, change] of Object.entries(odd)) user.seed('pods', userPod(name, change))
  const names = ['refused', ...Object.keys(odd)]
  const told = (name: string) =>
    user.all('events').filter(({ involvedObject }) => involvedObject.name === name)
  await eventually('each is told', () => names.every((name) => told(name).length > 0))
  const until = clock.elapsed() + 120_000
  await eventually('two minutes later', () => clock.elapsed() > until)
  t.equal(posts(gateway).length, 1, 'one try')
  for (const name of names) {
    const pod = user.get('pods', 'default', name)
    const { reason, message } = pod.status.conditions.find(
      (each: Loose) => each.type === 'isthmus.dev/Carried',
    )
    t.ok(reason && message, `${name}: ${reason}: ${message}`)
    t.equal(pod.status.phase, 'Pending')
    t.equal(pod.status.reason, reason, 'where kubectl shows it')
    t.equal(told(name).length, 1, `${name}: one Event`)
    const patches = user.requests.filter(({ line }) => line === `PATCH pods/default/${name}/status`)
    t.equal(patches.length, 1, `${name}: one status`)
  }
})

t.test('old and repeated versions in a watch change nothing', async (t) => {
  const { user, gateway, stop } = startHarness()
  t.teardown(stop)
  user.seed('pods', userPod('a'))
  const fresh = await eventually('carried', () => gateway.get('pods', 'default', 'a'))
  const current = gateway.update('pods', 'default', 'a', running)
  await eventually('Running', () => user.get('pods', 'default', 'a').status.phase === 'Running')
  const writes = () => user.requests.filter(({ line }) => line === 'PATCH pods/default/a/status').length
  const before = writes()
  gateway.tell('MODIFIED', 'pods', fresh) // out of order
  gateway.tell('MODIFIED', 'pods', current) // again
  gateway.tell('ADDED', 'pods', current)
  // A pod of before, of the same name, whose end comes late.
  gateway.tell('DELETED', 'pods', { ...current, metadata: { ...current.metadata, uid: 'another' } })
  user.seed('pods', userPod('later'))
  await eventually('later work is done', () => gateway.get('pods', 'default', 'later'))
  t.equal(user.get('pods', 'default', 'a').status.phase, 'Running')
  t.equal(writes(), before, 'no write')
})

t.test(
  '410 on both sides lists again: what went and what came meanwhile is done, nothing else',
  async (t) => {
    const { user, gateway, stop } = startHarness()
    t.teardown(stop)
    for (const name of ['stays', 'goes']) user.seed('pods', userPod(name))
    await eventually('carried', () => gateway.all('pods').length === 2)
    for (const name of ['stays', 'goes']) gateway.update('pods', 'default', name, running)
    await eventually('level', () => user.all('pods').every(({ status }) => status.phase === 'Running'))
    user.expireWatches()
    gateway.expireWatches()
    user.drop('pods', 'default', 'goes')
    user.seed('pods', userPod('comes'))
    await eventually('deleted', () => gateway.get('pods', 'default', 'goes').metadata.deletionTimestamp)
    await eventually('carried', () => gateway.get('pods', 'default', 'comes'))
    t.equal(gateway.get('pods', 'default', 'stays').metadata.deletionTimestamp, undefined)
    t.equal(posts(gateway).length, 3)
  },
)

t.test(
  'the user’s API server away for two minutes: nothing is deleted or doubled, and all is done on return',
  async (t) => {
    const clock = createFastClock(100)
    const { user, gateway, stop } = startHarness({ clock })
    t.teardown(stop)
    for (const name of ['stays', 'goes', 'fails']) user.seed('pods', userPod(name))
    await eventually('carried', () => gateway.all('pods').length === 3)
    for (const name of ['stays', 'goes', 'fails']) gateway.update('pods', 'default', name, running)
    await eventually('level', () => user.all('pods').every(({ status }) => status.phase === 'Running'))
    user.setDown(true)
    gateway.update('pods', 'default', 'fails', (pod) => {
      pod.status.containerStatuses[0].restartCount = 4
    })
    const until = clock.elapsed() + 120_000
    await eventually('two minutes later', () => clock.elapsed() > until)
    t.equal(gateway.all('pods').filter(({ metadata }) => metadata.deletionTimestamp).length, 0)
    t.equal(posts(gateway).length, 3)
    user.setDown(false)
    await user.json({ method: 'DELETE', path: path('goes') })
    user.seed('pods', userPod('comes'))
    await eventually('deleted', () => gateway.get('pods', 'default', 'goes').metadata.deletionTimestamp)
    await eventually('carried', () => gateway.get('pods', 'default', 'comes'))
    await eventually('level', () => {
      return user.get('pods', 'default', 'fails').status.containerStatuses[0].restartCount === 4
    })
    t.equal(gateway.get('pods', 'default', 'stays').metadata.deletionTimestamp, undefined)
    t.equal(posts(gateway).length, 4)
  },
)

t.test('a stale list of the user’s API server deletes nothing: the server itself is asked', async (t) => {
  const clock = createFastClock(100)
  const user = createFakeCluster()
  const { gateway, pods, stop } = startHarness({ clock, user })
  t.teardown(stop)
  for (const name of ['a', 'b']) user.seed('pods', userPod(name))
  await eventually('carried', () => gateway.all('pods').length === 2)
  let stale = 0
  user.intercept = (line) => {
    if (line !== 'GET pods') return undefined
    stale += 1
    // So new that no watch from there tells what is missing.
    return { kind: 'PodList', metadata: { resourceVersion: '100000' }, items: [] }
  }
  user.expireWatches()
  await eventually('the stale view is believed', () => stale > 0 && pods.users.size === 0)
  const asked = () => user.requests.filter(({ line }) => line === 'GET pods/default').length
  await eventually('asked again and again', () => asked() >= 6)
  t.equal(gateway.all('pods').filter(({ metadata }) => metadata.deletionTimestamp).length, 0)
  user.intercept = undefined
  user.expireWatches()
  await eventually('known again', () => pods.users.size === 2)
  t.equal(gateway.requests.filter(({ line }) => line.startsWith('DELETE pods')).length, 0)
  t.equal(posts(gateway).length, 2)
})
