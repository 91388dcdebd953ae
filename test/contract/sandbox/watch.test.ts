import { hasKubernetesWorld } from '../../kubernetes/harness/world.ts'
import { type Any, call, ok, openApi, patch } from '../../support/api-under-test.ts'
import { eventually } from '../../support/eventually.ts'
import t from '../../support/tap.ts'
import { openWatch } from '../../support/watch-stream.ts'

const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json'

t.test('watch', async (t) => {
  const { admin, namespace } = await openApi(t)
  const ns = await namespace()
  const maps = `/api/v1/namespaces/${ns}/configmaps`
  const create = (name: string, labels: Record<string, string> = {}) =>
    ok(call(admin, 'POST', maps, { metadata: { name, labels } }))
  const versionNow = async () => (await ok(call(admin, 'GET', maps))).metadata.resourceVersion
  await create('first')

  await t.test('without a version the state comes as ADDED, then the changes', async (t) => {
    const watch = await openWatch(t, admin, `${maps}?watch=true`)
    await watch.next('the state', ({ object }) => object.metadata.name === 'first')
    await create('second')
    const { type } = await watch.next('the new one', ({ object }) => object.metadata.name === 'second')
    t.equal(type, 'ADDED')
  })

  await t.test('from the version of a list nothing is missed and nothing is repeated', async (t) => {
    const from = await versionNow()
    const { metadata } = await create('third')
    await patch(admin, 'merge', `${maps}/third`, { data: { a: 'b' } })
    await ok(call(admin, 'DELETE', `${maps}/third`))
    const watch = await openWatch(t, admin, `${maps}?watch=1&resourceVersion=${from}`)
    await watch.next('the end', ({ type }) => type === 'DELETED')
    t.same(
      watch.events.map(({ type, object }) => `${type} ${object.metadata.name}`),
      ['ADDED third', 'MODIFIED third', 'DELETED third'],
    )
    const versions = watch.events.map(({ object }) => BigInt(object.metadata.resourceVersion))
    t.equal(String(versions[0]), metadata.resourceVersion)
    t.ok(versions[0]! < versions[1]! && versions[1]! < versions[2]!, 'rising, the deletion has its own')

    const resumed = await openWatch(t, admin, `${maps}?watch=1&resourceVersion=${versions[1]}`)
    await resumed.next('the rest', ({ type }) => type === 'DELETED')
    t.equal(resumed.events.length, 1)
  })

  await t.test('an object that comes to fit or no longer fits a selector is ADDED or DELETED', async (t) => {
    const from = await versionNow()
    const watch = await openWatch(t, admin, `${maps}?watch=1&labelSelector=in%3Dyes&resourceVersion=${from}`)
    await create('moving')
    await patch(admin, 'merge', `${maps}/moving`, { metadata: { labels: { in: 'yes' } } })
    await patch(admin, 'merge', `${maps}/moving`, { metadata: { labels: { in: 'no' } } })
    await watch.next('out', ({ type }) => type === 'DELETED')
    t.same(
      watch.events.map(({ type }) => type),
      ['ADDED', 'DELETED'],
    )
  })

  await t.test('one object by metadata.name', async (t) => {
    const watch = await openWatch(t, admin, `${maps}?watch=1&fieldSelector=metadata.name%3Dfirst`)
    await create('noise')
    await patch(admin, 'merge', `${maps}/first`, { data: { x: 'y' } })
    await watch.next('the change', ({ type }) => type === 'MODIFIED')
    t.same(
      watch.events.map(({ object }) => object.metadata.name),
      ['first', 'first'],
    )
  })

  await t.test(
    'rule 2: sendInitialEvents gives the state and a bookmark that says where it ends',
    async (t) => {
      const query =
        'watch=1&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan'
      const watch = await openWatch(t, admin, `${maps}?${query}`)
      const { object } = await watch.next('the bookmark', ({ type }) => type === 'BOOKMARK')
      t.equal(object.metadata.annotations?.['k8s.io/initial-events-end'], 'true')
      t.match(object, { kind: 'ConfigMap', apiVersion: 'v1' })
      t.match(object.metadata.resourceVersion, /^\d+$/)
      t.ok(watch.events.some((event) => event.type === 'ADDED' && event.object.metadata.name === 'first'))
      await create('after')
      await watch.next('the stream goes on', (event) => event.object.metadata.name === 'after')
    },
  )

  await t.test(
    'sendInitialEvents without resourceVersionMatch is 422, and so is the match alone',
    async (t) => {
      t.equal((await call(admin, 'GET', `${maps}?watch=1&sendInitialEvents=true`)).status, 422)
      t.equal(
        (await call(admin, 'GET', `${maps}?watch=1&resourceVersionMatch=NotOlderThan&resourceVersion=0`))
          .status,
        422,
      )
    },
  )

  // A real API server forgets by the size of its cache and etcd's compaction, so not within a test.
  if (!hasKubernetesWorld()) {
    await t.test(
      'a version that is no longer known is 410 Expired, in the stream or as the answer',
      async (t) => {
        const told = await eventually('410', async () => {
          const watch = await openWatch(t, admin, `${maps}?watch=1&resourceVersion=1&timeoutSeconds=2`)
          await eventually('the end', () => watch.ended)
          return watch.status === 410
            ? { code: 410, reason: 'Expired' }
            : watch.events.find(({ type }) => type === 'ERROR')?.object
        })
        t.match(told, { code: 410, reason: 'Expired' })
      },
    )
  }

  await t.test('timeoutSeconds ends the watch cleanly', async (t) => {
    const watch = await openWatch(
      t,
      admin,
      `${maps}?watch=1&timeoutSeconds=1&resourceVersion=${await versionNow()}`,
    )
    await eventually('the end', () => watch.ended)
    t.pass('ended')
  })

  await t.test('a version that is no number is refused', async (t) => {
    const watch = await openWatch(t, admin, `${maps}?watch=1&resourceVersion=abc`)
    t.ok(watch.status === 400 || watch.status === 500, `${watch.status}`)
  })

  await t.test('rule 13: a Table watch tells the columns in its first event alone', async (t) => {
    const watch = await openWatch(t, admin, `${maps}?watch=1`, { accept: TABLE })
    await watch.next('the state', () => true)
    await create('row')
    const row = await watch.next('the row', ({ object }) => object.rows?.[0]?.cells[0] === 'row')
    const [first] = watch.events
    t.ok(first!.object.columnDefinitions.length > 0)
    t.notOk(row.object.columnDefinitions?.length)
    t.match(row.object, { kind: 'Table' })
  })

  await t.test('a watch over all namespaces sees each of them', async (t) => {
    const from = await versionNow()
    const watch = await openWatch(t, admin, `/api/v1/configmaps?watch=1&resourceVersion=${from}`)
    await create('wide')
    const { object }: { object: Any } = await watch.next(
      'it',
      (event) => event.object.metadata.name === 'wide',
    )
    t.equal(object.metadata.namespace, ns)
  })
})
