import type { V1Pod } from '@kubernetes/client-node'
import { createGarbageCollector } from '../../../src/agent/pods/collect-garbage.ts'
import { decide, type Situation } from '../../../src/agent/pods/decide.ts'
import { silentLogger } from '../../../src/lib/logger.ts'
import { ended, NODE, running, userPod } from '../../support/agent-harness.ts'
import type { Loose } from '../../support/fake-cluster.ts'
import { createManualClock } from '../../support/manual-clock.ts'
import t from '../../support/tap.ts'

const pod = (...changes: ((pod: Loose) => void)[]): V1Pod =>
  userPod('a', (each) => {
    for (const change of changes) change(each)
  })
const deleting = (grace: number | undefined) => (each: Loose) => {
  each.metadata.deletionTimestamp = '2026-01-01T00:00:00Z'
  each.metadata.deletionGracePeriodSeconds = grace
}
const crashing = (each: Loose) => {
  running(each)
  each.status.containerStatuses[0].state = { waiting: { reason: 'CrashLoopBackOff' } }
}
const of = (situation: Partial<Situation>) =>
  decide({ user: undefined, carried: undefined, userGone: false, carriedSeen: false, ...situation })

t.test('the matrix of deletion: nothing leaves the user’s cluster while the data plane has it', (t) => {
  for (const [name, state] of Object.entries({ running, crashing, ended, pending: () => {} })) {
    const carried = pod(state)
    t.same(
      of({ user: pod(state, deleting(30)), carried }),
      { do: 'delete-carried', graceSeconds: 30 },
      `${name}, graceful`,
    )
    t.same(
      of({ user: pod(state, deleting(0)), carried }),
      { do: 'delete-carried', graceSeconds: 1 },
      `${name}, forced`,
    )
    t.same(
      of({ user: pod(state, deleting(30)), carried: pod(state, deleting(30)) }),
      { do: 'level' },
      `${name}, already told`,
    )
    t.same(
      of({ user: pod(state, deleting(1)), carried: pod(state, deleting(30)) }),
      { do: 'delete-carried', graceSeconds: 1 },
      `${name}, sooner`,
    )
    t.same(
      of({ user: pod(state, deleting(30)), carried: pod(state, deleting(5)) }),
      { do: 'level' },
      `${name}, never later`,
    )
    t.same(of({ user: pod(state, deleting(30)) }), { do: 'finish' }, `${name}, gone from the data plane`)
  }
  t.end()
})

t.test('a pod that the data plane no longer has is lost only if it was carried', (t) => {
  t.same(of({ user: pod() }), { do: 'create' })
  t.same(of({ user: pod(), carriedSeen: true }), { do: 'lost' })
  t.same(of({ user: pod(running) }), { do: 'lost' }, 'an earlier process carried it: its status says so')
  t.same(of({ user: pod(ended) }), { do: 'nothing' }, 'final is final')
  t.end()
})

t.test('rule 35: a pod that ended keeps its carrier, and one that somebody else ended is stopped', (t) => {
  t.same(of({ user: pod(ended), carried: pod(ended) }), { do: 'nothing' })
  const failed = pod((each) => {
    each.status.phase = 'Failed'
  })
  t.same(of({ user: failed, carried: pod(running) }), { do: 'delete-carried', graceSeconds: 30 })
  t.end()
})

t.test(
  'a carrier without a user pod is left to the garbage collector, unless this process saw the user pod go',
  (t) => {
    t.same(of({ carried: pod(running) }), { do: 'nothing' })
    t.same(of({ carried: pod(running), userGone: true }), { do: 'delete-carried', graceSeconds: 30 })
    t.same(of({ carried: pod(running, deleting(1)), userGone: true }), { do: 'nothing' })
    t.same(of({}), { do: 'nothing' })
    t.end()
  },
)

interface Collector {
  pass(): Promise<void>
  removed: string[]
  events: string[]
  advance(ms: number): void
}

function collector(
  orphans: number,
  options: { total?: number; stale?: boolean; exists?: boolean } = {},
): Collector {
  const clock = createManualClock()
  const removed: string[] = []
  const events: string[] = []
  const carriers = Array.from({ length: orphans }, (_, index) =>
    pod((each) => {
      each.metadata.name = `orphan-${index}`
      each.metadata.annotations = { 'agent.isthmus.dev/uid': `gone-${index}` }
    }),
  )
  const pass = createGarbageCollector({
    context: {
      clock,
      logger: silentLogger,
      nodeName: NODE,
      recorder: { event: (_target, _type, reason) => void events.push(reason) },
    },
    users: {
      get: () => undefined,
      isSynced: () => true,
      staleSinceMs: () => (options.stale ? 1 : undefined),
    },
    carriers: { values: () => carriers.values(), size: options.total ?? orphans, isSynced: () => true },
    userApi: { exists: async () => options.exists ?? false },
    carrierApi: {
      async remove(each) {
        removed.push(each.metadata?.name ?? '')
      },
    },
  })
  return { pass, removed, events, advance: (ms) => clock.advance(ms) }
}

t.test('garbage goes after two passes a minute apart, and not before', async (t) => {
  const { pass, removed, advance } = collector(2)
  await pass()
  t.same(removed, [], 'seen once')
  advance(59_000)
  await pass()
  t.same(removed, [], 'too soon')
  advance(1_000)
  await pass()
  t.same(removed.sort(), ['orphan-0', 'orphan-1'])
})

t.test('nothing goes on a stale view, nor what the API server itself still has', async (t) => {
  for (const options of [{ stale: true }, { exists: true }]) {
    const { pass, removed, advance } = collector(2, options)
    for (let round = 0; round < 4; round += 1) {
      await pass()
      advance(60_000)
    }
    t.same(removed, [])
  }
})

t.test('more than max(10, 5 %) at a time is a fault of ours: nothing goes, and it is reported', async (t) => {
  const small = collector(10)
  const large = collector(11)
  const share = collector(50, { total: 1_000 })
  for (const each of [small, large, share]) {
    await each.pass()
    each.advance(60_000)
    await each.pass()
  }
  t.equal(small.removed.length, 10)
  t.same(large.removed, [])
  t.same(large.events, ['TooManyOrphans'])
  t.equal(share.removed.length, 50)
})
