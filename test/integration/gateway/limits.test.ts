import { addCluster } from '../../support/cluster-row.ts'
import { eventually } from '../../support/eventually.ts'
import { makeTenant, startReplicas } from '../../support/gateway.ts'
import { startTestServer } from '../../support/postgres.ts'
import t from '../../support/tap.ts'

// Small enough to be reached at once, and slow enough that nothing comes back while the test runs.
const server = await startTestServer()
const replicas = await startReplicas(await server.migratedDatabase(), 1, {
  tokenRateSource: 20,
  tokenRateCredential: 1,
  selfPolls: 2,
  sessionRate: 1,
  kubeRate: 1,
})
t.teardown(async () => {
  await replicas.close()
  await server.stop()
})
const clusterId = await addCluster(replicas, 'dp')
const loud = await makeTenant(replicas, 'loud', clusterId)
const quiet = await makeTenant(replicas, 'quiet', clusterId)

const issue = (clientId: string, clientSecret: string) =>
  replicas.call('POST', '/oauth/token', {
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: clientId,
      client_secret: clientSecret,
    }).toString(),
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  })
/** Asks until it is refused; how it was refused. */
async function until429(ask: () => ReturnType<typeof replicas.call>) {
  for (let count = 0; count < 500; count++) {
    const answer = await ask()
    if (answer.status === 429) return answer
  }
  throw new Error('was never refused')
}

t.test(
  'G8: a tenant that floods the Kubernetes face is answered 429 in its form; its neighbour is served',
  async (t) => {
    const one = await until429(() => replicas.call('GET', '/version', { token: loud.token }))
    t.match(one.json, {
      kind: 'Status',
      reason: 'TooManyRequests',
      code: 429,
      details: { retryAfterSeconds: 1 },
    })
    t.equal(one.headers.get('retry-after'), '1')
    t.equal((await replicas.call('GET', '/version', { token: quiet.token })).status, 200)
    t.equal((await replicas.call('GET', '/v1/self', { token: loud.token })).status, 200, 'its agent goes on')
    const { metrics } = replicas.gateways[0]!.services
    t.match(await metrics.registry.metrics(), /isthmus_requests_limited_total\{limit="kube"\} [1-9]/)
    await eventually(
      'served again',
      async () => (await replicas.call('GET', '/version', { token: loud.token })).status === 200,
    )
  },
)

t.test(
  'G8: waiting for /v1/self is bounded by credential, and a place is free when one has ended',
  async (t) => {
    const { headers } = await replicas.call('GET', '/v1/self', { token: quiet.token })
    const leave = new AbortController()
    const wait = () =>
      fetch(`${replicas.gateways[0]!.publicUrl}/v1/self?wait=60`, {
        headers: { authorization: `Bearer ${quiet.token}`, 'if-none-match': headers.get('etag') ?? '' },
        signal: leave.signal,
      }).then(
        ({ status }) => status,
        () => 'left',
      )
    const waiting = [wait(), wait()]
    const answer = await until429(() =>
      replicas.call('GET', '/v1/self?wait=1', {
        token: quiet.token,
        headers: { 'if-none-match': headers.get('etag') ?? '' },
      }),
    )
    t.match(answer.json, { code: 'too_many_requests', retryable: true })
    t.equal(
      (await replicas.call('GET', '/v1/self', { token: quiet.token })).status,
      200,
      'who does not wait is served',
    )
    t.equal(
      (await replicas.call('GET', '/v1/self?wait=1', { token: loud.token })).status,
      200,
      'so is another',
    )
    leave.abort()
    t.same(await Promise.all(waiting), ['left', 'left'])
    await eventually(
      'served again',
      async () => (await replicas.call('GET', '/v1/self?wait=1', { token: quiet.token })).status === 200,
    )
  },
)

t.test('G8: tickets are bounded by node', async (t) => {
  const ticket = (token: string) =>
    replicas.call('POST', '/v1/sessions', {
      token,
      body: {
        verb: 'exec',
        namespace: 'shop',
        pod: 'web',
        container: 'app',
        command: ['true'],
        stdout: true,
      },
    })
  const answer = await until429(() => ticket(loud.token))
  t.match(answer.json, { code: 'too_many_requests' })
  t.ok(Number(answer.headers.get('retry-after')) >= 1)
  t.equal((await ticket(quiet.token)).status, 201)
})

t.test('G8: wrong secrets are slowed down, and forged addresses do not help', async (t) => {
  // All at once: each is let through, and what they cost together is a debt of ten seconds.
  const wrong = await Promise.all(Array.from({ length: 10 }, () => issue(loud.credentialId, 'wrong')))
  t.ok(wrong.some(({ status }) => status === 401))
  const answer = await issue(loud.credentialId, loud.clientSecret)
  t.equal(answer.status, 429)
  t.match(answer.json, { error: 'temporarily_unavailable' })
  t.ok(Number(answer.headers.get('retry-after')) >= 1)
  const forged = await replicas.call('POST', '/oauth/token', {
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: loud.credentialId,
      client_secret: loud.clientSecret,
    }).toString(),
    headers: { 'content-type': 'application/x-www-form-urlencoded', 'x-forwarded-for': '192.0.2.7' },
  })
  t.equal(forged.status, 429, 'A12: the address is the connection’s')
  t.equal((await issue(quiet.credentialId, quiet.clientSecret)).status, 200, 'another credential is served')
})
