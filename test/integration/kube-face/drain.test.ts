import { eventually } from '../../support/eventually.ts'
import { startSandboxFace } from '../../support/kube-face.ts'
import t from '../../support/tap.ts'

t.test('a replica that shuts down ends its watches in order, and takes no new ones', async (t) => {
  const face = await startSandboxFace(t)
  await face.request('POST /api/v1/namespaces', { body: { metadata: { name: 'shop' } } })
  const list = await face.request('GET /api/v1/namespaces/shop/pods')
  const since = `watch=true&resourceVersion=${list.json.metadata.resourceVersion}`
  const paths = [
    `/api/v1/namespaces/shop/pods?${since}`,
    `/api/v1/pods?${since}`,
    // Not there: held open by the gateway itself.
    '/api/v1/namespaces/absent/pods?watch=true',
  ]
  const watches = await Promise.all(
    paths.map(async (path) => {
      const answer = await fetch(face.url + path, { headers: { authorization: `Bearer ${face.token}` } })
      t.equal(answer.status, 200, path)
      return { body: answer.text() }
    }),
  )
  face.fakes.drain()
  // fetch rejects a body that was cut short: an end in order alone resolves.
  t.same(
    await Promise.all(watches.map(({ body }) => body)),
    ['', '', ''],
    'no error, no 410: the client goes on where it was',
  )
  const again = await face.request(`GET /api/v1/namespaces/shop/pods?${since}`)
  t.equal(again.status, 503)
  t.equal(again.headers['retry-after'], '1')
  t.match(again.json, { kind: 'Status', reason: 'ServiceUnavailable' })
  t.equal(
    (await face.request('GET /api/v1/namespaces/shop/pods')).status,
    200,
    'what ends by itself is served',
  )
  await eventually('nothing is left open', () => face.fakes.openSessions.length === 0)
})
