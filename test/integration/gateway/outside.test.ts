import { once } from 'node:events'
import { request } from 'node:http'
import { addCluster } from '../../support/cluster-row.ts'
import { makeTenant, startReplicas } from '../../support/gateway.ts'
import { startTestServer } from '../../support/postgres.ts'
import t from '../../support/tap.ts'

const server = await startTestServer()
const replicas = await startReplicas(await server.migratedDatabase())
t.teardown(async () => {
  await replicas.close()
  await server.stop()
})
const clusterId = await addCluster(replicas, 'dp')
const made = await makeTenant(replicas, 'acme', clusterId)
const { call, operator } = replicas

t.test(
  'A11: metrics are not on the public listener, ask for a token on the other, and health names nobody',
  async (t) => {
    for (const token of [undefined, made.token, replicas.adminToken]) {
      const answer = await call('GET', '/metrics', token === undefined ? {} : { token })
      t.equal(answer.status, 404)
    }
    t.equal((await operator('GET', '/metrics', { token: null })).status, 401)
    t.equal((await operator('GET', '/metrics', { token: made.token })).status, 401)
    t.equal((await operator('GET', '/metrics')).status, 200)
    for (const path of ['/livez', '/readyz']) {
      const { status, text } = await call('GET', path)
      t.equal(status, 200)
      t.notMatch(text, /acme|east|dp|[0-9a-f]{8}-/, path)
    }
  },
)

t.test('C10: a foreign Origin is refused, with whatever cookie or token it comes', async (t) => {
  const { hostname, port } = new URL(replicas.gateways[0]!.publicUrl)
  const upgrade = async (headers: Record<string, string>) => {
    const asked = request({
      hostname,
      port,
      path: '/api/v1/namespaces/shop/pods/web/exec?command=true&stdout=true',
      headers: {
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
        'sec-websocket-protocol': 'v5.channel.k8s.io',
        ...headers,
      },
    })
    asked.end()
    const [response] = await once(asked, 'response')
    response.destroy()
    return response.statusCode
  }
  const authorization = `Bearer ${made.token}`
  t.equal(await upgrade({ origin: 'https://evil.example', authorization }), 403)
  t.equal(await upgrade({ origin: 'null', authorization }), 403)
  t.equal(
    await upgrade({ origin: `http://${hostname}:${port}`, cookie: `token=${made.token}` }),
    401,
    'no cookie is read',
  )
  t.equal(
    await upgrade({ origin: `http://${hostname}:${port}`, authorization }),
    404,
    'its own page gets as far as the pod',
  )
  t.equal(await upgrade({ authorization }), 404, 'so does a program, which sends none')
})

t.test('G14: requests of many paths and tenants make no series of their own', async (t) => {
  const series = async () =>
    (await operator('GET', '/metrics')).text.split('\n').filter((line) => /^isthmus_\w+(\{| )/.test(line))
  await call('GET', '/api/v1/namespaces/first/pods/first', { token: made.token })
  await series() // its own request counts as well
  const before = (await series()).length
  for (let index = 0; index < 20; index++) {
    await call('GET', `/api/v1/namespaces/n${index}/pods/p${index}`, { token: made.token })
  }
  const after = await series()
  t.equal(after.length, before)
  for (const line of after) t.notMatch(line, /acme|namespaces|p19|[0-9a-f]{8}-[0-9a-f]{4}/, line)
})
