import { type Any, call, ok, openApi, podOf } from '../../support/api-under-test.ts'
import t from '../../support/tap.ts'

const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json'
const PARTIAL = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1'

t.test('lists', async (t) => {
  const { admin, namespace } = await openApi(t)
  const ns = await namespace()
  const maps = `/api/v1/namespaces/${ns}/configmaps`
  const pods = `/api/v1/namespaces/${ns}/pods`
  const namesOf = (list: Any) => list.items.map((item: Any) => item.metadata.name)
  for (const [name, labels] of Object.entries({
    a1: { app: 'a', tier: 'web' },
    a2: { app: 'a', tier: 'db' },
    b1: { app: 'b' },
    c1: {},
    d1: { n: '7' },
  })) {
    await ok(
      call(admin, 'POST', maps, { metadata: { name, labels: { ...labels, test: 'lists' } }, data: { name } }),
    )
  }
  const select = (selector: string) =>
    ok(call(admin, 'GET', `${maps}?labelSelector=${encodeURIComponent(selector)}`))

  await t.test('label selectors: equality, sets, existence, numbers', async (t) => {
    t.same(namesOf(await select('test=lists,app=a')), ['a1', 'a2'])
    t.same(namesOf(await select('test==lists,app!=a')), ['b1', 'c1', 'd1'])
    t.same(namesOf(await select('app in (a,b),tier notin (db)')), ['a1', 'b1'])
    t.same(namesOf(await select('test,!app')), ['c1', 'd1'])
    t.same(namesOf(await select('n>6')), ['d1'])
    t.same(namesOf(await select('n<6')), [])
    for (const bad of ['a=b=c', 'x y', 'a in (b', '=a', 'a=-b-']) {
      t.equal((await call(admin, 'GET', `${maps}?labelSelector=${encodeURIComponent(bad)}`)).status, 400, bad)
    }
  })

  await t.test('field selectors: what a resource can be selected by; anything else is 400', async (t) => {
    t.same(namesOf(await ok(call(admin, 'GET', `${maps}?fieldSelector=metadata.name%3Da1`))), ['a1'])
    const not = await ok(
      call(admin, 'GET', `${maps}?labelSelector=app%3Da&fieldSelector=metadata.name!%3Da1`),
    )
    t.same(namesOf(not), ['a2'])
    const bad = await call(admin, 'GET', `${maps}?fieldSelector=data.name%3Da1`)
    t.equal(bad.status, 400)
    t.match(bad.json<Any>()['message'], /"data\.name" is not a known field selector/)
    const ofPods = await call(admin, 'GET', `${pods}?fieldSelector=data.name%3Da1`)
    t.match(ofPods.json<Any>()['message'], /field label not supported: data\.name/)
    await ok(call(admin, 'POST', pods, podOf('p1', { schedulerName: 'nobody' })))
    await ok(call(admin, 'POST', pods, podOf('p2', { schedulerName: 'nobody', nodeName: 'nowhere' })))
    t.same(namesOf(await ok(call(admin, 'GET', `${pods}?fieldSelector=spec.nodeName%3Dnowhere`))), ['p2'])
    t.same(
      namesOf(await ok(call(admin, 'GET', `${pods}?fieldSelector=status.phase%3DPending,spec.nodeName%3D`))),
      ['p1'],
    )
  })

  await t.test('rule 11: a backslash at the end of a field selector is 400', async (t) => {
    const selector = encodeURIComponent('metadata.name=a\\')
    t.equal((await call(admin, 'GET', `${maps}?fieldSelector=${selector}`)).status, 400)
  })

  await t.test('pages fit together whatever is written between them', async (t) => {
    const query = `labelSelector=test%3Dlists&limit=2`
    const first = await ok(call(admin, 'GET', `${maps}?${query}`))
    t.same(namesOf(first), ['a1', 'a2'])
    t.ok(first.metadata.continue)
    await ok(call(admin, 'POST', maps, { metadata: { name: 'a3', labels: { test: 'lists' } } }))
    await ok(call(admin, 'DELETE', `${maps}/b1`))
    const next = encodeURIComponent(first.metadata.continue ?? '')
    const second = await ok(call(admin, 'GET', `${maps}?${query}&continue=${next}`))
    t.same(namesOf(second), ['b1', 'c1'], 'as it was at the first page')
    t.equal(second.metadata.resourceVersion, first.metadata.resourceVersion)
    const last = encodeURIComponent(second.metadata.continue ?? '')
    const third = await ok(call(admin, 'GET', `${maps}?${query}&continue=${last}`))
    t.same(namesOf(third), ['d1'])
    t.notOk(third.metadata.continue)
    t.equal((await call(admin, 'GET', `${maps}?limit=2&continue=%21%21`)).status, 400)
  })

  await t.test('remainingItemCount is told where nothing is selected', async (t) => {
    const page = await ok(call(admin, 'GET', `${maps}?limit=1`))
    const whole = await ok(call(admin, 'GET', maps))
    t.equal(page.metadata.remainingItemCount, whole.items.length - 1)
  })

  await t.test('resourceVersionMatch=Exact reads the past; what is not allowed is 422', async (t) => {
    const before = await ok(call(admin, 'GET', maps))
    await ok(call(admin, 'POST', maps, { metadata: { name: 'later' } }))
    const version = before.metadata.resourceVersion
    const exact = await ok(
      call(admin, 'GET', `${maps}?resourceVersion=${version}&resourceVersionMatch=Exact`),
    )
    t.same(namesOf(exact), namesOf(before))
    t.equal(exact.metadata.resourceVersion, version)
    const newer = await ok(
      call(admin, 'GET', `${maps}?resourceVersion=${version}&resourceVersionMatch=NotOlderThan`),
    )
    t.ok(namesOf(newer).includes('later'))
    t.equal((await call(admin, 'GET', `${maps}?resourceVersionMatch=Exact`)).status, 422)
    t.equal((await call(admin, 'GET', `${maps}?resourceVersion=0&resourceVersionMatch=Exact`)).status, 422)
    t.equal((await call(admin, 'GET', `${maps}?resourceVersion=1&resourceVersionMatch=Odd`)).status, 422)
    t.equal((await call(admin, 'GET', `${maps}?sendInitialEvents=true`)).status, 422)
  })

  await t.test('items of a list say neither kind nor apiVersion, the list does', async (t) => {
    const list = await ok(call(admin, 'GET', maps))
    t.match(list, { kind: 'ConfigMapList', apiVersion: 'v1' })
    t.notOk(list.items[0].kind)
  })

  await t.test('Table: columns and cells of pods, with the metadata of each', async (t) => {
    const table = await ok(call(admin, 'GET', pods, undefined, { accept: TABLE }))
    t.match(table, { kind: 'Table', apiVersion: 'meta.k8s.io/v1' })
    const names = table.columnDefinitions.map((column: { name: string }) => column.name)
    t.same(names, [
      'Name',
      'Ready',
      'Status',
      'Restarts',
      'Age',
      'IP',
      'Node',
      'Nominated Node',
      'Readiness Gates',
    ])
    t.same(table.rows[0].cells.slice(0, 4), ['p1', '0/1', 'Pending', '0'])
    t.match(table.rows[0].object, { kind: 'PartialObjectMetadata', metadata: { name: 'p1' } })
  })

  await t.test('Table: includeObject, and the columns of other kinds', async (t) => {
    const bare = await ok(call(admin, 'GET', `${maps}?includeObject=None`, undefined, { accept: TABLE }))
    t.notOk(bare.rows[0].object)
    const whole = await ok(
      call(admin, 'GET', `${maps}/a1?includeObject=Object`, undefined, { accept: TABLE }),
    )
    t.match(whole.rows[0].object, { kind: 'ConfigMap', data: { name: 'a1' } })
    t.equal(String(whole.rows[0].cells.slice(0, 2)), 'a1,1')
    t.equal(
      (await call(admin, 'GET', `${maps}?includeObject=Some`, undefined, { accept: TABLE })).status,
      400,
    )
  })

  await t.test(
    'rule 13: as=Table without v and g falls to the next clause, and to 406 where there is none',
    async (t) => {
      const list = await ok(
        call(admin, 'GET', maps, undefined, { accept: 'application/json;as=Table,application/json' }),
      )
      t.equal(list.kind, 'ConfigMapList')
      t.equal(
        (await call(admin, 'GET', maps, undefined, { accept: 'application/json;as=Table' })).status,
        406,
      )
      t.equal((await call(admin, 'GET', maps, undefined, { accept: 'text/html' })).status, 406)
    },
  )

  await t.test('PartialObjectMetadataList shows metadata alone', async (t) => {
    const list = await ok(call(admin, 'GET', maps, undefined, { accept: PARTIAL }))
    t.match(list, { kind: 'PartialObjectMetadataList', apiVersion: 'meta.k8s.io/v1' })
    t.notOk(list.items[0].data)
    t.ok(list.items[0].metadata.name)
  })
})
