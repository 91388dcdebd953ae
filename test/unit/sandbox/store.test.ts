import { setImmediate } from 'node:timers/promises'
import { silentLogger } from '../../../src/lib/logger.ts'
import {
  createMemoryStore,
  type KubeObject,
  readers,
  type StoreEvent,
} from '../../../src/sandbox/store/index.ts'
import { createManualClock } from '../../support/manual-clock.ts'
import t from '../../support/tap.ts'

const makeStore = (historySize?: number) =>
  createMemoryStore({
    clock: createManualClock(),
    logger: silentLogger,
    historySize,
    traits: (resource) => ({
      namespaced: true,
      generation: resource === 'pods',
      graceful: resource === 'pods',
      fields: resource === 'pods' ? readers('spec.nodeName') : {},
    }),
  })
const map = (name: string, labels?: Record<string, string>) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'a', ...(labels ? { labels } : {}) },
})
const key = (name: string) => ({ namespace: 'a', name })

t.test('versions rise over all resources, and stored objects can not be changed', async (t) => {
  const store = makeStore()
  const first = store.create<KubeObject>('configmaps', map('x'))
  const second = store.create<KubeObject>('secrets', map('x'))
  t.ok(Number(second.metadata.resourceVersion) > Number(first.metadata.resourceVersion))
  t.throws(() => {
    first.metadata.name = 'y'
  }, TypeError)
  t.equal(store.list('configmaps').resourceVersion, second.metadata.resourceVersion)
})

t.test('an update that changes nothing makes no event and no version', async (t) => {
  const store = makeStore()
  const made = store.create<KubeObject>('configmaps', map('x'))
  const events: StoreEvent<KubeObject>[] = []
  store.watch<KubeObject>('configmaps', {
    resourceVersion: store.resourceVersion,
    onEvent: (event) => void events.push(event),
  })
  const same = store.update<KubeObject>('configmaps', structuredClone(made))
  t.equal(same.metadata.resourceVersion, made.metadata.resourceVersion)
  await setImmediate()
  t.same(events, [])
})

t.test(
  'events come after the call that made them, in order; a callback that throws ends nothing',
  async (t) => {
    const store = makeStore()
    const seen: string[] = []
    const end = store.watch<KubeObject>('configmaps', {
      onEvent: ({ type, object }) => {
        seen.push(`${type} ${object.metadata.name}`)
        throw new Error('of the callback')
      },
    })
    store.create('configmaps', map('x'))
    store.delete('configmaps', key('x'))
    t.same(seen, [], 'not from inside the call')
    await setImmediate()
    t.same(seen, ['ADDED x', 'DELETED x'])
    end()
    store.create('configmaps', map('y'))
    await setImmediate()
    t.equal(seen.length, 2, 'ended')
  },
)

t.test('a watch resumes where it stopped, and is refused where the history does not reach', async (t) => {
  const store = makeStore(3)
  store.create('configmaps', map('x'))
  const from = store.resourceVersion
  store.mutate<KubeObject>('configmaps', key('x'), (object) => {
    object['data'] = { n: '0' }
  })
  const seen: string[] = []
  store.watch<KubeObject>('configmaps', {
    resourceVersion: from,
    onEvent: ({ type }) => void seen.push(type),
  })
  await setImmediate()
  t.same(seen, ['MODIFIED'])
  for (let i = 1; i < 8; i++) {
    store.mutate<KubeObject>('configmaps', key('x'), (object) => {
      object['data'] = { n: String(i) }
    })
  }
  t.throws(() => store.watch('configmaps', { resourceVersion: from, onEvent() {} }), { code: 'gone' })
  t.throws(() => store.listAt('configmaps', {}, Number(from)), { code: 'gone' })
})

t.test('the past can be listed as it was: what was added, changed and removed since is undone', async (t) => {
  const store = makeStore()
  store.create('configmaps', map('changed'))
  store.create('configmaps', map('removed'))
  const at = Number(store.resourceVersion)
  store.mutate<KubeObject>('configmaps', key('changed'), (object) => {
    object['data'] = { new: 'x' }
  })
  store.delete('configmaps', key('removed'))
  store.create('configmaps', map('added'))
  const then = store.listAt('configmaps', {}, at)
  t.same(
    then.items.map(({ metadata, data }) => [metadata.name, data]),
    [
      ['changed', undefined],
      ['removed', undefined],
    ],
  )
  t.same(
    store.list<KubeObject>('configmaps').items.map(({ metadata }) => metadata.name),
    ['added', 'changed'],
  )
})

t.test(
  'generation counts changes of the spec: not of status, metadata, nor the binding of a pod',
  async (t) => {
    const store = makeStore()
    const pod = { ...map('p'), kind: 'Pod', spec: { containers: [] }, status: { phase: 'Pending' } }
    t.equal(store.create<KubeObject>('pods', pod).metadata.generation, 1)
    t.equal(store.patchStatus<KubeObject>('pods', key('p'), { phase: 'Running' }).metadata.generation, 1)
    const bind = store.mutate<KubeObject>('pods', key('p'), (object) => {
      object['spec'] = { containers: [], nodeName: 'n' }
    })
    t.equal(bind.metadata.generation, 1)
    const changed = store.mutate<KubeObject>('pods', key('p'), (object) => {
      object['spec'] = { containers: [], nodeName: 'n', priority: 1 }
    })
    t.equal(changed.metadata.generation, 2)
  },
)

t.test('patchStatus with the uid of another object is a conflict', async (t) => {
  const store = makeStore()
  store.create('configmaps', map('x'))
  t.throws(() => store.patchStatus('configmaps', { ...key('x'), uid: 'other' }, {}), { code: 'conflict' })
})

t.test('a dry run gives what would be, stores nothing and tells nobody', async (t) => {
  const store = makeStore()
  const before = store.resourceVersion
  const seen: unknown[] = []
  store.watch('configmaps', { onEvent: (event) => void seen.push(event) })
  t.match(
    store.dryRun(() => store.create<KubeObject>('configmaps', map('x'))),
    { metadata: { name: 'x' } },
  )
  t.throws(() => store.dryRun(() => store.delete('configmaps', key('x'))), { code: 'not_found' })
  await setImmediate()
  t.same([store.resourceVersion, seen, store.get('configmaps', key('x'))], [before, [], undefined])
})

t.test('selectors that can not be read are refused before anything is listed', async (t) => {
  const store = makeStore()
  for (const labelSelector of ['a=b=c', 'a in (', 'a!', '=b', 'a in b', 'UPPER/Case/x=1']) {
    t.throws(() => store.list('configmaps', { labelSelector }), { code: 'bad_request' }, labelSelector)
  }
  for (const fieldSelector of [
    'spec.nodeName=x',
    'metadata.name=a\\',
    'metadata.name',
    'metadata.name=a=b',
  ]) {
    t.throws(() => store.list('configmaps', { fieldSelector }), { code: 'bad_request' }, fieldSelector)
  }
})
