import { call, ok, openApi } from '../../support/api-under-test.ts'
import t from '../../support/tap.ts'
import { openWatch } from '../../support/watch-stream.ts'

const MAPS = '/api/v1/namespaces/default/configmaps'

t.test('faults are made at the rate that was asked for', async (t) => {
  await t.test('errors: 500 as a Status', async (t) => {
    const { admin } = await openApi(t, 'user-cluster', { faults: { errorRate: 1 } })
    const reply = await call(admin, 'GET', MAPS)
    t.equal(reply.status, 500)
    t.match(reply.json(), { kind: 'Status', reason: 'InternalError' })
    t.equal((await call(admin, 'GET', '/readyz')).status, 200, 'health is spared')
  })

  await t.test('resets: the connection is cut without an answer', async (t) => {
    const { admin } = await openApi(t, 'user-cluster', { faults: { resetRate: 1 } })
    await t.rejects(call(admin, 'GET', MAPS))
  })

  await t.test('gone: watches are 410, lists are not', async (t) => {
    const { admin } = await openApi(t, 'user-cluster', { faults: { goneRate: 1 } })
    const { metadata } = await ok(call(admin, 'GET', MAPS))
    const watch = await openWatch(t, admin, `${MAPS}?watch=1&resourceVersion=${metadata.resourceVersion}`)
    t.equal(watch.status, 410)
  })
})

t.test('a short history: a watch from before it is 410', async (t) => {
  const { admin } = await openApi(t, 'user-cluster', { historySize: 5 })
  const { metadata } = await ok(call(admin, 'GET', MAPS))
  for (let i = 0; i < 12; i++) await ok(call(admin, 'POST', MAPS, { metadata: { name: `m-${i}` } }))
  const watch = await openWatch(t, admin, `${MAPS}?watch=1&resourceVersion=${metadata.resourceVersion}`)
  const { object } = await watch.next('the error', ({ type }) => type === 'ERROR')
  t.match(object, { code: 410, reason: 'Expired' })
  const page = await call(
    admin,
    'GET',
    `${MAPS}?resourceVersion=${metadata.resourceVersion}&resourceVersionMatch=Exact`,
  )
  t.equal(page.status, 410)
})

t.test('--authorization none lets everybody do everything', async (t) => {
  const { admin } = await openApi(t, 'user-cluster', { authorization: 'none' })
  const nobody = { server: admin.server, ca: admin.ca }
  t.equal((await call(nobody, 'POST', MAPS, { metadata: { name: 'x' } })).status, 201)
})
