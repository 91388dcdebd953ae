import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { request } from 'node:https'
import { Readable } from 'node:stream'
import type { GatewayClient } from '../../../src/agent/gateway/client.ts'
import { createAuthenticate } from '../../../src/agent/kubelet/authenticate.ts'
import { accessOf, createAuthorize } from '../../../src/agent/kubelet/authorize.ts'
import { selfSignedCertificate } from '../../../src/agent/kubelet/certificate.ts'
import { parseLogOptions } from '../../../src/agent/kubelet/log-options.ts'
import { createKubeletServer } from '../../../src/agent/kubelet/server.ts'
import { parseCommandStreams } from '../../../src/agent/kubelet/streams.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import { silentLogger } from '../../../src/lib/logger.ts'
import { NODE, userPod } from '../../support/agent-harness.ts'
import { createFakeCluster, type FakeCluster, type Loose } from '../../support/fake-cluster.ts'
import t, { type Test } from '../../support/tap.ts'

interface Answer {
  status: number
  body: string
}

interface Port {
  get(
    path: string,
    options?: { token?: string; method?: string; headers?: Record<string, string> },
  ): Promise<Answer>
  user: FakeCluster
  gatewayRequests: Loose[]
}

async function start(t: Test): Promise<Port> {
  const user = createFakeCluster()
  user.intercept = (line, { body }) => {
    const { spec } = body as Loose
    if (line.startsWith('POST tokenreviews')) {
      const known: Record<string, string> = { admin: 'admin', nobody: 'nobody', reader: 'reader' }
      const username = known[spec.token]
      return {
        status: {
          authenticated: username !== undefined,
          user: username ? { username, groups: ['g'] } : undefined,
        },
      }
    }
    if (line.startsWith('POST subjectaccessreviews')) {
      const { verb, subresource } = spec.resourceAttributes
      const allowed =
        spec.user === 'admin' ||
        (spec.user === 'reader' && verb === 'get' && ['proxy', 'pods'].includes(subresource))
      return { status: { allowed } }
    }
    return undefined
  }
  const gatewayRequests: Loose[] = []
  const gateway = {
    kube: {
      async send(sent: Loose) {
        gatewayRequests.push(sent)
        return { status: 200, headers: {}, body: Readable.from([Buffer.from('one\n'), Buffer.from('two\n')]) }
      },
    },
  } as unknown as GatewayClient
  const pod = userPod('a', (each) => {
    each.metadata.uid = 'uid-a'
    each.spec.ephemeralContainers = [{ name: 'debug', image: 'x' }]
  })
  const server = createKubeletServer({
    gateway,
    authenticate: createAuthenticate({ user, clock: systemClock }),
    authorize: createAuthorize({ user, nodeName: NODE, clock: systemClock }),
    pods: {
      all: () => [pod],
      find: (namespace, name) => (namespace === 'default' && name === 'a' ? pod : undefined),
    },
    tls: { ...(await selfSignedCertificate(NODE, ['127.0.0.1', NODE])), clientCa: undefined },
    config: { kind: 'KubeletConfiguration' },
    logger: silentLogger,
  })
  const port = await server.listen('127.0.0.1', 0)
  t.teardown(() => server.close())
  return {
    user,
    gatewayRequests,
    async get(path, { token, method = 'GET', headers = {} } = {}) {
      const authorization = token ? { authorization: `Bearer ${token}` } : {}
      const sent = request({
        host: '127.0.0.1',
        port,
        path,
        method,
        headers: { ...headers, ...authorization },
        rejectUnauthorized: false,
        agent: false,
      })
      sent.end()
      const [res] = (await once(sent, 'response')) as [IncomingMessage]
      let body = ''
      for await (const chunk of res) body += chunk
      return { status: res.statusCode ?? 0, body }
    },
  }
}

const routes = [
  'GET /pods',
  'GET /runningpods/',
  'GET /healthz',
  'GET /configz',
  'GET /containerLogs/default/a/main',
  'GET /logs/',
  'GET /stats/summary',
  'GET /metrics',
  'GET /metrics/resource',
  'POST /exec/default/a/main?command=id&output=1',
  'POST /attach/default/a/main?output=1',
  'POST /portForward/default/a',
  'POST /run/default/a/main?cmd=id',
  'GET /metrics/cadvisor',
  'GET /metrics/probes',
  'POST /checkpoint/default/a/main',
  'GET /nothing',
]

t.test(
  'every route refuses callers without a credential, with a bad one, and without the right',
  async (t) => {
    const port = await start(t)
    for (const route of routes) {
      const [method, path = ''] = route.split(' ')
      t.equal((await port.get(path, { method })).status, 401, `${route} anonymous`)
      t.equal((await port.get(path, { method, token: 'forged' })).status, 401, `${route} forged`)
      t.equal((await port.get(path, { method, token: 'nobody' })).status, 403, `${route} without the right`)
    }
    t.equal(port.gatewayRequests.length, 0, 'nothing of it reached the gateway')
  },
)

t.test('an upgrade is refused the same way, as an HTTP answer', async (t) => {
  const port = await start(t)
  const headers = {
    connection: 'Upgrade',
    upgrade: 'SPDY/3.1',
    'x-stream-protocol-version': 'v4.channel.k8s.io',
  }
  const path = '/exec/default/a/main?command=id&output=1'
  t.equal((await port.get(path, { method: 'POST', headers })).status, 401)
  t.equal((await port.get(path, { method: 'POST', headers, token: 'nobody' })).status, 403)
  t.equal(
    (await port.get(path, { headers, token: 'reader' })).status,
    403,
    'get nodes/proxy alone is not enough to exec',
  )
})

t.test('a request target that is no URL is refused, and ends neither the port nor the process', async (t) => {
  const port = await start(t)
  const upgrade = { connection: 'Upgrade', upgrade: 'SPDY/3.1' }
  for (const target of ['//', '///', '//[', 'http://[', '*', 'https://x:99999/pods']) {
    t.ok([400, 401].includes((await port.get(target)).status), target)
    t.ok([400, 401].includes((await port.get(target, { headers: upgrade })).status), `${target} upgraded`)
  }
  t.equal((await port.get('/healthz', { token: 'admin' })).status, 200, 'it still serves')
})

t.test('an encoded path is authorised as what it is served as', async (t) => {
  const port = await start(t)
  const headers = {
    connection: 'Upgrade',
    upgrade: 'SPDY/3.1',
    'x-stream-protocol-version': 'v4.channel.k8s.io',
  }
  for (const verb of ['%65xec', 'exe%63', 'ex%65c']) {
    const path = `/${verb}/default/a/main?command=id&output=1`
    t.equal((await port.get(path, { headers, token: 'reader' })).status, 403, path)
  }
})

t.test('the routes answer those who may', async (t) => {
  const port = await start(t)
  const as = (path: string, method = 'GET') => port.get(path, { token: 'admin', method })
  t.same(await as('/healthz'), { status: 200, body: 'ok' })
  t.equal(JSON.parse((await as('/pods')).body).items[0].metadata.name, 'a')
  t.equal(JSON.parse((await as('/runningpods/')).body).items.length, 0)
  t.ok(JSON.parse((await as('/configz')).body).kubeletconfig)
  t.equal((await as('/logs/')).status, 403)
  t.equal((await as('/stats/summary')).status, 501)
  t.equal((await as('/metrics/cadvisor')).status, 501)
  t.equal((await as('/nothing')).status, 404)
  t.equal((await as('/exec/default/a/main?command=id&output=1')).status, 400, 'without an upgrade')
  t.equal((await as('/pods', 'DELETE')).status, 405)
})

t.test(
  'logs: options are passed on, tailLines=0 is none, wrong ones are 422, foreign pods and containers 404',
  async (t) => {
    const port = await start(t)
    const as = (path: string) => port.get(path, { token: 'reader' })
    const answer = await as('/containerLogs/default/a/main?tailLines=0&timestamps=true&limitBytes=10')
    t.same(answer, { status: 200, body: 'one\ntwo\n' })
    t.same(port.gatewayRequests[0].query, {
      tailLines: '0',
      timestamps: 'true',
      limitBytes: '10',
      container: 'main',
    })
    t.equal((await as('/containerLogs/default/a/debug')).status, 200, 'an ephemeral container')
    t.equal((await as('/containerLogs/default/a/uid-a/main')).status, 200, 'with the pod’s uid')
    t.equal((await as('/containerLogs/default/a/main?tailLines=-1')).status, 422)
    t.equal((await as('/containerLogs/default/a/main?sinceSeconds=0')).status, 422)
    t.equal((await as('/containerLogs/default/a/main?sinceTime=yesterday')).status, 422)
    const refused = await as('/containerLogs/default/a/none')
    t.match(refused.body, /^[^{]+$/, 'bare text: the API server makes a Status around it')
    const before = port.gatewayRequests.length
    for (const path of ['other/a/main', 'default/b/main', 'default/a/none', 'default/a/wrong-uid/main']) {
      t.equal((await as(`/containerLogs/${path}`)).status, 404, path)
    }
    for (const path of [
      'default/%2e%2e/main',
      'default/a%2fb/main',
      'default/a/..%2f',
      'default/a%00/main',
    ]) {
      t.ok([400, 404].includes((await as(`/containerLogs/${path}`)).status), path)
    }
    t.equal(port.gatewayRequests.length, before, 'none of them reached the gateway')
  },
)

t.test('reviews are cached: the same caller is asked about once', async (t) => {
  const port = await start(t)
  for (let round = 0; round < 5; round += 1) await port.get('/pods', { token: 'admin' })
  const lines = port.user.requests.map(({ line }) => line.split('/')[0])
  t.equal(lines.filter((line) => line === 'POST tokenreviews').length, 1)
  t.equal(lines.filter((line) => line === 'POST subjectaccessreviews').length, 1)
})

t.test('§3 tokens that are made up cost the user’s API server a bounded number of reviews', async (t) => {
  const port = await start(t)
  t.equal((await port.get('/healthz', { token: 'admin' })).status, 200)
  const answers = await Promise.all(
    Array.from({ length: 80 }, (_, index) => port.get('/pods', { token: `junk-${index}` })),
  )
  const reviews = port.user.requests.filter(({ line }) => line.startsWith('POST tokenreviews')).length
  t.ok(reviews <= 40, `${reviews} reviews for 80 tokens`)
  t.ok(
    answers.every(({ status }) => status === 401 || status === 429),
    'refused one and all',
  )
  t.ok(answers.some(({ status }) => status === 429))
  t.equal((await port.get('/healthz', { token: 'admin' })).status, 200, 'a token that is known goes on')
})

t.test(
  '§3 what a virtual node has not says so: 501 for metrics, 403 for log files, 400 without an upgrade',
  async (t) => {
    const port = await start(t)
    for (const path of [
      '/stats/summary',
      '/metrics',
      '/metrics/resource',
      '/metrics/cadvisor',
      '/metrics/probes',
    ]) {
      const answer = await port.get(path, { token: 'admin' })
      t.equal(answer.status, 501, path)
      t.match(answer.body, /serves no metrics yet/)
    }
    t.equal((await port.get('/logs/', { token: 'admin' })).status, 403)
    for (const method of ['GET', 'POST']) {
      for (const path of [
        '/exec/default/a/main?command=id&output=1',
        '/attach/default/a/main',
        '/portForward/default/a',
      ])
        t.equal((await port.get(path, { method, token: 'admin' })).status, 400, `${method} ${path}`)
    }
  },
)

t.test('what each request has to be allowed is the kubelet’s own table', (t) => {
  const of = (method: string, path: string) =>
    accessOf(method, path).map((all) =>
      all.map(({ verb, subresource }) => `${verb} ${subresource}`).join('+'),
    )
  t.same(of('GET', '/pods'), ['get pods', 'get proxy'])
  t.same(of('GET', '/runningpods/'), ['get pods', 'get proxy'])
  t.same(of('GET', '/healthz'), ['get healthz', 'get proxy'])
  t.same(of('GET', '/configz'), ['get configz', 'get proxy'])
  t.same(of('GET', '/stats/summary'), ['get stats'])
  t.same(of('GET', '/metrics/cadvisor'), ['get metrics'])
  t.same(of('GET', '/logs/x'), ['get log'])
  t.same(of('GET', '/containerLogs/n/p/c'), ['get proxy'])
  t.same(of('POST', '/checkpoint/n/p/c'), ['create checkpoint'])
  t.same(of('POST', '/run/n/p/c'), ['create proxy'])
  t.same(of('POST', '/exec/n/p/c'), ['create proxy'])
  t.same(of('GET', '/exec/n/p/c'), ['get proxy+create proxy'])
  t.same(of('GET', '/portForward/n/p'), ['get proxy+create proxy'])
  t.same(of('GET', '/%65xec/n/p/c'), ['get proxy+create proxy'])
  t.same(of('GET', '/%'), ['get proxy'])
  t.end()
})

t.test('the query names of a kubelet: input, output, error, tty', (t) => {
  t.same(parseCommandStreams(new URLSearchParams('input=1&output=1&tty=1')), {
    stdin: true,
    stdout: true,
    stderr: false,
    tty: true,
  })
  t.throws(() => parseCommandStreams(new URLSearchParams('tty=1')), { code: 'bad_request' })
  t.same(parseLogOptions(new URLSearchParams('tail=5&follow=true')), { tailLines: '5', follow: 'true' })
  t.throws(() => parseLogOptions(new URLSearchParams('sinceSeconds=1&sinceTime=2026-01-01T00:00:00Z')), {
    code: 'invalid',
  })
  t.end()
})
