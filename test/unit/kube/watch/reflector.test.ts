import { PassThrough } from 'node:stream'
import {
  type ApiRequest,
  type ApiResponse,
  KubeApiError,
  KubeUnreachableError,
} from '../../../../src/kube/client/index.ts'
import { createReflector, type KubeObject, type ReflectorOptions } from '../../../../src/kube/watch/index.ts'
import { silentLogger } from '../../../../src/lib/logger.ts'
import { eventually } from '../../../support/eventually.ts'
import { createManualClock } from '../../../support/manual-clock.ts'
import t, { type Test } from '../../../support/tap.ts'

type Answer = Error | { list: object } | { watch: PassThrough }

const object = (name: string, resourceVersion: string, more = {}): KubeObject => ({
  metadata: { name, namespace: 'n', resourceVersion, ...more },
})
const listOf = (resourceVersion: string, items: KubeObject[], token?: string) => ({
  list: { items, metadata: { resourceVersion, continue: token } },
})
const event = (type: string, body: unknown) => `${JSON.stringify({ type, object: body })}\n`
const apiError = (code: number, extra = {}) =>
  new KubeApiError(code, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', ...extra })

const ended = (): PassThrough => new PassThrough().end()

/** Answers requests in order by script; when it runs out, watches stay open. */
function setup(t: Test, script: Answer[], options: Partial<ReflectorOptions<KubeObject>> = {}) {
  const requests: ApiRequest[] = []
  const next = (request: ApiRequest): Exclude<Answer, Error> => {
    requests.push(request)
    const answer = script.shift() ?? { watch: new PassThrough() }
    if (answer instanceof Error) throw answer
    return answer
  }
  const client = {
    async send(request: ApiRequest): Promise<ApiResponse> {
      const answer = next(request)
      const body = 'watch' in answer ? answer.watch : new PassThrough().end('{"kind":"Status"}')
      request.signal?.addEventListener('abort', () => body.destroy(new Error('aborted')))
      return { status: 'watch' in answer ? 200 : 500, headers: {}, body }
    },
    async json<T>(request: ApiRequest): Promise<T> {
      const answer = next(request)
      return ('list' in answer ? answer.list : {}) as T
    },
  }
  const controller = new AbortController()
  const clock = createManualClock()
  const store = new Map<string, string>()
  const errors: [string, unknown][] = []
  const reflector = createReflector<KubeObject>({
    client,
    path: ['api', 'v1', 'pods'],
    query: { labelSelector: 'a=b' },
    clock,
    logger: silentLogger,
    random: () => 0.5,
    signal: controller.signal,
    onReplaced(items) {
      store.clear()
      for (const { metadata } of items) store.set(metadata!.name!, metadata!.resourceVersion!)
    },
    onEvent(type, { metadata }) {
      if (type === 'DELETED') store.delete(metadata!.name!)
      else store.set(metadata!.name!, metadata!.resourceVersion!)
    },
    onError: (error, phase) => errors.push([phase, error]),
    ...options,
  })
  const done = reflector.run()
  done.catch(() => {})
  t.teardown(async () => {
    controller.abort(new Error('test over'))
    await done.catch(() => {})
  })
  return { reflector, requests, clock, store, errors, done, controller }
}

t.test('lists page by page, then watches from there; bookmarks move the resume point', async (t) => {
  const watch = new PassThrough()
  const { reflector, requests, store } = setup(t, [
    listOf('10', [object('a', '1')], 'more'),
    listOf('10', [object('b', '2')]),
    { watch },
  ])
  t.notOk(reflector.isSynced())
  await eventually('it watches', () => requests.length === 3)
  t.ok(reflector.isSynced())
  t.same([...store.keys()], ['a', 'b'])
  t.match(requests[0]!.query, { labelSelector: 'a=b', limit: 250, continue: undefined })
  t.match(requests[1]!.query, { continue: 'more' })
  t.match(requests[2]!.query, {
    watch: 'true',
    resourceVersion: '10',
    allowWatchBookmarks: true,
    timeoutSeconds: 450,
    labelSelector: 'a=b',
  })
  watch.write(event('ADDED', object('c', '11')) + event('MODIFIED', object('a', '12')))
  watch.write(event('DELETED', object('b', '13')))
  watch.end(event('BOOKMARK', { metadata: { resourceVersion: '99' } }))
  await eventually('it resumes', () => requests.length === 4)
  t.equal(requests[3]!.query!['resourceVersion'], '99')
  t.same(
    [...store],
    [
      ['a', '12'],
      ['c', '11'],
    ],
  )
  t.equal(reflector.staleSinceMs(), undefined)
})

t.test('410 by answer or by event lists again, what has gone meanwhile goes from the store', async (t) => {
  const watch = new PassThrough()
  const expired = { kind: 'Status', code: 410, reason: 'Expired' }
  const { requests, store, reflector, errors } = setup(t, [
    listOf('1', [object('a', '1'), object('b', '1')]),
    { watch },
    listOf('5', [object('b', '4')]),
    apiError(410),
    listOf('9', [object('c', '8')]),
  ])
  watch.write(event('MODIFIED', object('a', '2')) + event('ERROR', expired))
  await eventually('two more lists', () => requests.length === 6)
  t.same([...store], [['c', '8']])
  t.equal(requests[5]!.query!['resourceVersion'], '9')
  t.ok(reflector.isSynced())
  t.same(errors, [], 'being too old is no failure')
})

t.test('a version that the server has not reached yet lists again', async (t) => {
  const tooLarge = apiError(504, { details: { causes: [{ reason: 'ResourceVersionTooLarge' }] } })
  const { requests } = setup(t, [listOf('7', []), tooLarge, listOf('2', [])])
  await eventually('it watches from the new one', () => requests.length === 4)
  t.equal(requests[3]!.query!['resourceVersion'], '2')
})

t.test('half a line, a reset and refusals are reported, and the watch goes on where it was', async (t) => {
  const half = new PassThrough()
  const reset = new PassThrough()
  const { requests, errors, store, reflector } = setup(t, [
    listOf('1', [object('a', '1')]),
    { watch: half },
    { watch: reset },
    apiError(403),
    new KubeUnreachableError('refused', undefined),
    apiError(500),
  ])
  half.end(event('MODIFIED', object('a', '2')) + event('MODIFIED', object('a', '3')).slice(0, 20))
  await eventually('the second watch', () => requests.length === 3)
  reset.write(event('MODIFIED', object('a', '4')))
  await eventually('the event', () => store.get('a') === '4')
  reset.destroy(new Error('ECONNRESET'))
  await eventually('the watch after the failures', () => requests.length === 7)
  t.same(
    requests.slice(2).map((request) => request.query!['resourceVersion']),
    ['2', '4', '4', '4', '4'],
  )
  t.same(
    errors.map(([phase]) => phase),
    ['watch', 'watch', 'watch', 'watch', 'watch'],
  )
  t.ok(reflector.isSynced())
})

t.test('it says since when it is stale, and no longer once a watch is open', async (t) => {
  const failures = Array.from({ length: 3 }, () => new KubeUnreachableError('down', undefined))
  const stale: (number | undefined)[] = []
  const { clock, requests, reflector } = setup(t, [listOf('1', []), { watch: ended() }, ...failures], {
    onError: () => stale.push(reflector.staleSinceMs()),
  })
  const began = clock.now()
  await eventually('it watches again', () => requests.length === 6)
  t.equal(stale.length, 3)
  t.equal(new Set(stale).size, 1, 'since the first failure')
  t.ok(stale[0]! >= began)
  await eventually('it is current', () => reflector.staleSinceMs() === undefined)
})

t.test(
  'the wait grows to its cap, is jittered, heeds Retry-After and starts anew after an event',
  async (t) => {
    const failures = Array.from({ length: 9 }, () => apiError(500))
    const busy = new KubeApiError(429, apiError(429).status, 45)
    const watch = new PassThrough()
    const { clock, requests } = setup(t, [...failures, busy, listOf('1', []), { watch }, apiError(500)])
    await eventually('the watch', () => requests.length === 12)
    t.same(clock.slept, [375, 750, 1500, 3000, 6000, 12000, 22500, 22500, 22500, 45000])
    watch.end(event('ADDED', object('a', '2')))
    await eventually('two more waits', () => clock.slept.length >= 12)
    t.same(clock.slept.slice(10, 12), [375, 750])
  },
)

t.test('a watch that ends at once, again and again, is not hammered', async (t) => {
  const { clock, requests } = setup(t, [
    listOf('1', []),
    ...Array.from({ length: 4 }, () => ({ watch: ended() })),
  ])
  await eventually('four ends', () => requests.length === 6)
  t.same(clock.slept, [375, 750, 1500, 3000])
})

t.test('the same event twice leaves the store as it was', async (t) => {
  const watch = new PassThrough()
  const { store, requests } = setup(t, [listOf('1', []), { watch }])
  const twice = event('ADDED', object('a', '2')) + event('DELETED', object('b', '3'))
  watch.end(twice + twice)
  await eventually('the next watch', () => requests.length === 3)
  t.same([...store], [['a', '2']])
})

t.test(
  'G16: a callback that throws is surfaced, not synced until a new list, and nothing stops',
  async (t) => {
    const watch = new PassThrough()
    const boom = new Error('boom')
    let failing = true
    const seen: string[] = []
    const states: boolean[] = []
    const { reflector, errors, requests } = setup(
      t,
      [listOf('1', []), { watch }, listOf('5', [object('a', '5')])],
      {
        onReplaced: (_items, version) => {
          seen.push(version)
        },
        onEvent: async () => {
          if (failing) throw boom
        },
        onError: (error, phase) => {
          errors.push([phase, error])
          states.push(reflector.isSynced())
          failing = false
        },
      },
    )
    watch.write(event('ADDED', object('a', '2')))
    await eventually('the watch after the second list', () => requests.length === 4)
    t.same(errors, [['callback', boom]])
    t.same(states, [false])
    t.same(seen, ['1', '5'])
    t.ok(reflector.isSynced())
    t.ok(watch.destroyed)
  },
)

t.test('a list whose callback throws is repeated', async (t) => {
  let calls = 0
  const { reflector, errors } = setup(t, [listOf('1', []), listOf('1', [])], {
    onReplaced: () => {
      if (++calls === 1) throw new Error('store away')
    },
  })
  await eventually('it is synced', () => reflector.isSynced())
  t.equal(errors[0]![0], 'callback')
})

t.test('what onError throws ends run() loudly', async (t) => {
  const fatal = new Error('fatal')
  const { done } = setup(t, [apiError(401)], {
    onError: () => {
      throw fatal
    },
  })
  await t.rejects(done, fatal)
})

t.test('an expired continue token lists again in one piece', async (t) => {
  const { requests, store } = setup(t, [
    listOf('1', [object('old', '1')], 'more'),
    apiError(410),
    listOf('5', [object('a', '5')]),
  ])
  await eventually('it watches', () => requests.length === 4)
  t.same([...store.keys()], ['a'])
  t.match(requests[2]!.query, { limit: undefined, continue: undefined })
})

t.test('rule 2: with watchList it is synced at the bookmark that ends the initial events', async (t) => {
  const watch = new PassThrough()
  const { reflector, requests, store } = setup(t, [{ watch }], { watchList: true })
  await eventually('it watches', () => requests.length === 1)
  t.match(requests[0]!.query, {
    sendInitialEvents: true,
    resourceVersionMatch: 'NotOlderThan',
    allowWatchBookmarks: true,
  })
  t.notOk(requests[0]!.query!['resourceVersion'])
  watch.write(event('ADDED', object('a', '1')) + event('ADDED', object('b', '2')))
  watch.write(event('BOOKMARK', { metadata: { resourceVersion: '2' } }))
  watch.write(event('DELETED', object('b', '3')))
  t.notOk(reflector.isSynced())
  t.equal(store.size, 0)
  const annotations = { 'k8s.io/initial-events-end': 'true' }
  watch.write(event('BOOKMARK', { metadata: { resourceVersion: '3', annotations } }))
  await eventually('it is synced', () => reflector.isSynced())
  t.same([...store], [['a', '1']])
  watch.end(event('ADDED', object('c', '4')))
  await eventually('it resumes', () => requests.length === 2)
  t.equal(requests[1]!.query!['resourceVersion'], '4')
  t.notOk(requests[1]!.query!['sendInitialEvents'])
})

t.test('rule 2: where sendInitialEvents is refused it lists', async (t) => {
  const { reflector, requests } = setup(t, [apiError(422), listOf('3', [])], { watchList: true })
  await eventually('it is synced', () => reflector.isSynced() && requests.length === 3)
  t.equal(requests[2]!.query!['resourceVersion'], '3')
})

t.test('an abort ends run() and the open watch', async (t) => {
  const watch = new PassThrough()
  const { controller, done, requests } = setup(t, [listOf('1', []), { watch }])
  await eventually('it watches', () => requests.length === 2)
  controller.abort(new Error('over'))
  await done
  t.ok(watch.destroyed)
})
