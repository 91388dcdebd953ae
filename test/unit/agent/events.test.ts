import { createEventCopy } from '../../../src/agent/events/copy.ts'
import { createRecorder, eventName } from '../../../src/agent/events/recorder.ts'
import { carriedUid } from '../../../src/agent/pods/decide.ts'
import { silentLogger } from '../../../src/lib/logger.ts'
import { type AgentHarness, NODE, startHarness, userPod } from '../../support/agent-harness.ts'
import { eventually } from '../../support/eventually.ts'
import type { Loose } from '../../support/fake-cluster.ts'
import { createManualClock } from '../../support/manual-clock.ts'
import t, { type Test } from '../../support/tap.ts'

/** The copying of Events between the fakes of a harness. */
function copying(t: Test, harness: AgentHarness): AgentHarness {
  const stopping = new AbortController()
  const copy = createEventCopy(
    { ...harness.context, signal: stopping.signal },
    { carriers: harness.pods.carriers, users: harness.pods.users, uidOf: carriedUid },
  )
  const running = copy.run()
  t.teardown(async () => {
    stopping.abort(new Error('stop'))
    await running
  })
  return harness
}

const iso = (ms = Date.now()) => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z')

function eventAbout(pod: Loose, reason: string, change: Loose = {}): Loose {
  return {
    metadata: { name: `${pod.metadata.name}.${reason.toLowerCase()}`, namespace: pod.metadata.namespace },
    involvedObject: {
      kind: 'Pod',
      name: pod.metadata.name,
      namespace: pod.metadata.namespace,
      uid: pod.metadata.uid,
      fieldPath: 'spec.containers{main}',
    },
    type: 'Normal',
    reason,
    message: `${reason} of main`,
    count: 1,
    firstTimestamp: iso(),
    lastTimestamp: iso(),
    ...change,
  }
}

t.test(
  'an Event of the carrying pod is one of the user’s pod, and a repetition raises its count',
  async (t) => {
    const harness = copying(t, startHarness())
    const { user, gateway, stop } = harness
    t.teardown(stop)
    const pod = user.seed('pods', userPod('a'))
    const carried = await eventually('carried', () => gateway.get('pods', 'default', 'a'))
    gateway.seed('events', eventAbout(carried, 'Started'))
    const told = () => user.all('events').filter(({ reason }) => reason === 'Started')
    const [event] = await eventually('it is told', () => told().length === 1 && told())
    t.match(event.involvedObject, {
      kind: 'Pod',
      name: 'a',
      namespace: 'default',
      uid: pod.metadata.uid,
      fieldPath: 'spec.containers{main}',
    })
    t.match(event.source, { component: 'kubelet', host: NODE })
    t.notMatch(JSON.stringify(event), carried.metadata.uid, 'nothing of the carrying pod')
    gateway.update('events', 'default', 'a.started', (each) => {
      each.count = 5
      each.lastTimestamp = iso()
    })
    await eventually('counted', () => told()[0].count === 5)
    t.equal(told().length, 1)

    // Another replica, or the next process, comes to the same name.
    copying(t, harness)
    gateway.update('events', 'default', 'a.started', (each) => {
      each.count = 6
    })
    await eventually('counted', () => told()[0].count === 6)
    t.equal(told().length, 1)
  },
)

t.test('the data plane’s Scheduled is not copied: the user’s own scheduler has told it', async (t) => {
  const { user, gateway, stop } = copying(t, startHarness())
  t.teardown(stop)
  user.seed('pods', userPod('a'))
  const carried = await eventually('carried', () => gateway.get('pods', 'default', 'a'))
  gateway.seed('events', eventAbout(carried, 'Scheduled'))
  gateway.seed('events', eventAbout(carried, 'Pulled'))
  await eventually('the later one', () => user.all('events').some(({ reason }) => reason === 'Pulled'))
  t.notOk(user.all('events').some(({ reason }) => reason === 'Scheduled'))
})

t.test('an Event that comes before its pod is told when the pod is known; old news is not', async (t) => {
  const harness = startHarness()
  const { user, gateway, stop } = copying(t, harness)
  t.teardown(stop)
  await eventually('it watches', () => gateway.openWatches().some((watch) => watch.startsWith('events')))
  const early: Loose = { metadata: { name: 'a', namespace: 'default', uid: 'carrier-of-a' } }
  gateway.seed('events', eventAbout(early, 'Pulling'))
  gateway.seed('events', eventAbout(early, 'Created', { lastTimestamp: iso(Date.now() - 3_600_000) }))
  await new Promise((resolve) => setImmediate(resolve)) // the watch has brought them
  const pod = user.seed('pods', userPod('a'))
  gateway.seed('pods', {
    ...userPod('a', (each) => {
      each.metadata.uid = 'carrier-of-a'
      each.metadata.annotations = { 'agent.isthmus.dev/uid': pod.metadata.uid }
    }),
  })
  await eventually('told', () => user.all('events').some(({ reason }) => reason === 'Pulling'))
  t.notOk(user.all('events').some(({ reason }) => reason === 'Created'))
})

t.test('Events of a client’s own pods are nobody’s in the user’s cluster', async (t) => {
  const { user, gateway, stop } = copying(t, startHarness())
  t.teardown(stop)
  user.seed('pods', userPod('a'))
  const carried = await eventually('carried', () => gateway.get('pods', 'default', 'a'))
  const theirs = gateway.seed('pods', { ...userPod('theirs') })
  gateway.seed('events', eventAbout(theirs, 'Killing'))
  gateway.seed('events', eventAbout(carried, 'Pulled'))
  await eventually('ours', () => user.all('events').some(({ reason }) => reason === 'Pulled'))
  t.notOk(user.all('events').some(({ reason }) => reason === 'Killing'))
})

t.test('the same again is counted and not repeated, at most once a minute', async (t) => {
  const clock = createManualClock()
  const sent: Loose[] = []
  const json = async (request: Loose) => void sent.push(request)
  const recorder = createRecorder({
    user: { json: json as never },
    nodeName: NODE,
    clock,
    logger: silentLogger,
    isWriter: () => true,
  })
  const tell = () =>
    recorder.event(
      { kind: 'Pod', name: 'a', namespace: 'default', uid: 'u' },
      'Warning',
      'Refused',
      'spec.hostNetwork',
    )
  for (let round = 0; round < 50; round += 1) tell()
  t.equal(sent.length, 1)
  clock.advance(61_000)
  tell()
  t.equal(sent.length, 2)
  t.equal(sent[1].method, 'PATCH')
  t.equal(sent[1].body.count, 51)
  clock.advance(11 * 60_000)
  tell()
  t.equal(sent[2].method, 'POST', 'much later it is news again')
})

t.test('the name of an Event is one, however long the pod’s is and wherever it is cut', (t) => {
  const subdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/
  for (const cut of ['-', '.', '-.', '--']) {
    const name = `${'a'.repeat(230 - cut.length)}${cut}${'b'.repeat(20)}`.slice(0, 253)
    const made = eventName({ kind: 'Pod', name, uid: 'u' }, 'key')
    t.match(made, subdomain, cut)
    t.ok(made.length <= 253)
  }
  t.end()
})
