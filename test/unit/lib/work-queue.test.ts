import { systemClock } from '../../../src/lib/clock.ts'
import { silentLogger } from '../../../src/lib/logger.ts'
import { createTtlCache } from '../../../src/lib/ttl-cache.ts'
import { createWorkQueue, type WorkQueueOptions } from '../../../src/lib/work-queue.ts'
import { eventually } from '../../support/eventually.ts'
import { createManualClock } from '../../support/manual-clock.ts'
import t, { type Test } from '../../support/tap.ts'

function queue(
  t: Test,
  options: Partial<WorkQueueOptions<string>> & Pick<WorkQueueOptions<string>, 'handle'>,
) {
  const made = createWorkQueue<string>({
    name: 'test',
    clock: systemClock,
    logger: silentLogger,
    random: () => 0,
    baseDelayMs: 4,
    ...options,
  })
  t.teardown(() => made.close())
  return made
}

t.test('a key is handled by one worker at a time, and again when it was added meanwhile', async (t) => {
  let running = 0
  let most = 0
  let handled = 0
  let release: () => void = () => {}
  const { add, settled } = queue(t, {
    async handle() {
      running += 1
      most = Math.max(most, running)
      handled += 1
      if (handled === 1) {
        await new Promise<void>((resolve) => {
          release = resolve
        })
      }
      running -= 1
      return undefined
    },
  })
  add('a')
  add('a')
  add('a')
  await eventually('it runs', () => running === 1)
  release()
  await settled('a')
  t.equal(handled, 2, 'three adds while one ran are one more run')
  t.equal(most, 1)
})

t.test(
  'a key that fails is never given up; its delays grow to the cap and start anew after a success',
  async (t) => {
    const clock = createManualClock()
    let failures = 30
    const made = queue(t, {
      clock,
      maxDelayMs: 1_000,
      async handle() {
        if (failures-- > 0) throw new Error('not yet')
        return undefined
      },
    })
    made.add('a')
    await eventually('it worked at last', () => failures < 0)
    t.equal(clock.slept.length, 30)
    t.same(clock.slept.slice(0, 3), [2, 4, 8], 'half of 4, 8, 16 with the least jitter')
    t.equal(Math.max(...clock.slept), 500)
    failures = 1
    made.add('a')
    await eventually('again', () => failures < 0)
    t.equal(clock.slept.at(-1), 2)
  },
)

t.test(
  'an error may say how long to wait, and a number is "again later" without being a failure',
  async (t) => {
    const clock = createManualClock()
    const answers: (number | Error | undefined)[] = [new Error('429'), 7_000, undefined]
    const made = queue(t, {
      clock,
      delayOf: () => 9_000,
      async handle() {
        const answer = answers.shift()
        if (answer instanceof Error) throw answer
        return answer
      },
    })
    made.add('a')
    await eventually('all answers were used', () => answers.length === 0)
    t.same(clock.slept, [9_000, 7_000])
  },
)

t.test('no more than so many keys at a time, and every one in the end', async (t) => {
  let running = 0
  let most = 0
  const done = new Set<string>()
  const made = queue(t, {
    concurrency: 3,
    async handle(key) {
      running += 1
      most = Math.max(most, running)
      await new Promise((resolve) => setImmediate(resolve))
      running -= 1
      done.add(key)
      return undefined
    },
  })
  for (let index = 0; index < 100; index += 1) made.add(`key-${index}`)
  await eventually('all are done', () => done.size === 100)
  t.equal(most, 3)
})

t.test('an add comes before a delay, and the earliest of several delays wins', async (t) => {
  const times: number[] = []
  const made = queue(t, {
    async handle() {
      times.push(performance.now())
      return undefined
    },
  })
  const started = performance.now()
  made.addAfter('a', 60_000)
  made.addAfter('a', 10)
  made.addAfter('a', 120_000)
  await eventually('the earliest', () => times.length === 1)
  made.addAfter('b', 60_000)
  made.add('b')
  await eventually('at once', () => times.length === 2)
  t.ok(performance.now() - started < 10_000)
})

t.test('closing waits for what runs and takes no more', async (t) => {
  let finished = false
  const made = queue(t, {
    async handle(_key, signal) {
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
      finished = true
      return undefined
    },
  })
  made.add('a')
  await made.close()
  t.equal(finished, true)
  made.add('b')
  t.equal(made.depth, 0)
})

t.test(
  'a cache computes once for all who ask together, keeps it for its time, and keeps no failure',
  async (t) => {
    const clock = createManualClock()
    const cache = createTtlCache<number>({ elapsed: () => clock.elapsed(), max: 2 })
    let computed = 0
    const compute = async () => ({ value: ++computed, ttlMs: 100 })
    t.same(await Promise.all([cache.get('a', compute), cache.get('a', compute)]), [1, 1])
    clock.advance(99)
    t.equal(await cache.get('a', compute), 1)
    clock.advance(1)
    t.equal(await cache.get('a', compute), 2)
    await t.rejects(cache.get('b', () => Promise.reject(new Error('no'))))
    t.equal(await cache.get('b', compute), 3)
    await cache.get('c', compute)
    t.equal(await cache.get('a', compute), 5, 'the oldest goes first')
  },
)
