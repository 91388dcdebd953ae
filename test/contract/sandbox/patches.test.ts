import { type Any, call, ok, openApi, patch, podOf } from '../../support/api-under-test.ts'
import t from '../../support/tap.ts'

t.test('patches', async (t) => {
  const { admin, namespace } = await openApi(t)
  const ns = await namespace()
  const maps = `/api/v1/namespaces/${ns}/configmaps`
  const pods = `/api/v1/namespaces/${ns}/pods`
  await ok(
    call(admin, 'POST', maps, {
      metadata: { name: 'm', labels: { a: '1', b: '2' } },
      data: { x: '1', y: '2' },
    }),
  )
  await ok(call(admin, 'POST', pods, podOf('p', { schedulerName: 'nobody' })))

  await t.test('merge: null removes, the rest stays', async (t) => {
    const object = await ok(
      patch(admin, 'merge', `${maps}/m`, { metadata: { labels: { a: null } }, data: { y: '3' } }),
    )
    t.same(object.metadata.labels, { b: '2' })
    t.same(object.data, { x: '1', y: '3' })
  })

  await t.test(
    'JSON: operations in order; a test that does not hold is 422 and changes nothing',
    async (t) => {
      const object = await ok(
        patch(admin, 'json', `${maps}/m`, [
          { op: 'test', path: '/data/x', value: '1' },
          { op: 'replace', path: '/data/x', value: '5' },
          { op: 'add', path: '/data/z', value: '6' },
          { op: 'remove', path: '/data/y' },
        ]),
      )
      t.same(object.data, { x: '5', z: '6' })
      const refused = await patch(admin, 'json', `${maps}/m`, [
        { op: 'remove', path: '/data/z' },
        { op: 'test', path: '/data/x', value: 'no' },
      ])
      t.equal(refused.status, 422)
      t.same((await ok(call(admin, 'GET', `${maps}/m`))).data, { x: '5', z: '6' })
    },
  )

  await t.test('strategic: containers merge by name', async (t) => {
    const object = await ok(
      patch(admin, 'strategic-merge', `${pods}/p`, {
        spec: { containers: [{ name: 'main', image: 'busybox:2' }] },
        metadata: { labels: { new: 'one' } },
      }),
    )
    t.equal(object.spec.containers.length, 1)
    t.equal(object.spec.containers[0].image, 'busybox:2')
    t.same(object.spec.containers[0].command, ['sh', '-c', 'sleep 1000'])
    t.equal(object.metadata.labels?.['new'], 'one')
  })

  await t.test(
    'tolerations that a patch takes away come back by admission; a changed one is 422',
    async (t) => {
      const removed = await ok(patch(admin, 'strategic-merge', `${pods}/p`, { spec: { tolerations: null } }))
      t.equal(removed.spec.tolerations.length, 2)
      const other = { spec: { tolerations: [{ key: 'node.kubernetes.io/not-ready', operator: 'Exists' }] } }
      t.equal((await patch(admin, 'merge', `${pods}/p`, other)).status, 422)
    },
  )

  await t.test('strategic: conditions of a status merge by type', async (t) => {
    const path = `${pods}/p/status`
    await ok(
      patch(admin, 'strategic-merge', path, { status: { conditions: [{ type: 'A', status: 'True' }] } }),
    )
    const object = await ok(
      patch(admin, 'strategic-merge', path, { status: { conditions: [{ type: 'B', status: 'False' }] } }),
    )
    const types = object.status.conditions.map((each: { type: string }) => each.type)
    t.ok(types.includes('A') && types.includes('B'))
  })

  await t.test('a resourceVersion inside a patch is a precondition, a wrong uid is 422', async (t) => {
    const stale = await patch(admin, 'merge', `${maps}/m`, {
      metadata: { resourceVersion: '1' },
      data: { q: '1' },
    })
    t.equal(stale.status, 409)
    const uid = '00000000-0000-4000-8000-000000000000'
    const other = await patch(admin, 'merge', `${maps}/m`, { metadata: { uid }, data: { q: '1' } })
    t.ok([409, 422].includes(other.status), `${other.status}`)
    t.notOk((await ok(call(admin, 'GET', `${maps}/m`))).data.q)
  })

  await t.test(
    'apply: creates what is missing (201), merges what is there (200), needs a field manager',
    async (t) => {
      const body = (data: object) => ({
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'applied' },
        data,
      })
      t.ok([400, 422].includes((await patch(admin, 'apply', `${maps}/applied`, body({ a: '1' }))).status))
      const path = `${maps}/applied?fieldManager=test`
      t.equal((await patch(admin, 'apply', path, body({ a: '1' }))).status, 201)
      const again = await patch(admin, 'apply', path, body({ a: '2' }))
      t.equal(again.status, 200)
      t.same(again.json<Any>().data, { a: '2' })
    },
  )

  await t.test('rule 14: an apply with a uid on a missing object is 409', async (t) => {
    const metadata = { name: 'never', uid: '00000000-0000-4000-8000-000000000000' }
    const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata }
    t.equal((await patch(admin, 'apply', `${maps}/never?fieldManager=test`, body)).status, 409)
    t.equal((await call(admin, 'GET', `${maps}/never`)).status, 404)
  })

  await t.test('a patch of what is missing is 404, of another media type 415, of nonsense 400', async (t) => {
    t.equal((await patch(admin, 'merge', `${maps}/missing`, {})).status, 404)
    const type = { 'content-type': 'application/json' }
    t.equal((await call(admin, 'PATCH', `${maps}/m`, {}, type)).status, 415)
    t.equal((await patch(admin, 'json', `${maps}/m`, { not: 'a list' })).status, 400)
    t.equal((await patch(admin, 'merge', `${maps}/m`, [])).status, 400)
  })

  await t.test('dryRun=All patches on trial', async (t) => {
    const object = await ok(patch(admin, 'merge', `${maps}/m?dryRun=All`, { data: { trial: '1' } }))
    t.equal(object.data.trial, '1')
    t.notOk((await ok(call(admin, 'GET', `${maps}/m`))).data.trial)
  })
})
