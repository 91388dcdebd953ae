import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { run } from '../../../src/cli/run.ts'
import t, { type Test } from '../../support/tap.ts'

interface Answer {
  status?: number
  headers?: Record<string, string>
  body?: unknown
}

interface Seen {
  method: string
  url: string
  headers: IncomingMessage['headers']
  body: string
}

/** A recorded stand-in for the operator and token faces: it answers what the test says, and keeps what it saw. */
async function startStub(t: Test, answer: (request: Seen) => Answer) {
  const seen: Seen[] = []
  const server = createServer(async (request, response) => {
    const { method = '', url = '', headers } = request
    const entry = { method, url, headers, body: await text(request) }
    seen.push(entry)
    const { status = 200, headers: more = {}, body } = answer(entry)
    response.writeHead(status, { 'content-type': 'application/json', ...more })
    response.end(body === undefined ? '' : JSON.stringify(body))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return { seen, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

function environmentFor(t: Test, url: string) {
  const configFolder = mkdtempSync(join(tmpdir(), 'isthmus-cli-'))
  t.teardown(() => rmSync(configFolder, { recursive: true, force: true }))
  const printed = { out: '', err: '' }
  return {
    printed,
    environment: {
      env: { ISTHMUS_SERVER: url, ISTHMUS_TOKEN: 'operator-token', ISTHMUS_GATEWAY: url },
      stdout: { write: (chunk: string) => (printed.out += chunk) },
      stderr: { write: (chunk: string) => (printed.err += chunk) },
      now: () => 1_000_000,
      configFolder,
    },
  }
}

const acme = {
  id: '1',
  name: 'acme',
  displayName: 'Acme',
  suspended: false,
  otherResources: 'refuse',
  createdAt: new Date().toISOString(),
  updatedAt: new Date().toISOString(),
}

t.test('list reads every page and prints a table, json, yaml or names', async (t) => {
  const stub = await startStub(t, ({ url }) =>
    url.includes('continue=2')
      ? { body: { items: [{ ...acme, name: 'globex', suspended: true }] } }
      : { body: { items: [acme], continue: '2' } },
  )
  for (const [format, pattern] of [
    ['table', /^NAME +STATE +DISPLAY NAME +AGE\nacme +Active +Acme +0s\nglobex +Suspended/],
    ['json', /"items": \[/],
    ['yaml', /^items:\n {2}- id: "1"/],
    ['name', /^tenant\/acme\ntenant\/globex\n$/],
  ] as const) {
    const { printed, environment } = environmentFor(t, stub.url)
    t.equal(await run(['tenant', 'list', '-o', format], environment), 0)
    t.match(printed.out, pattern, format)
  }
  t.equal(stub.seen[0]?.headers.authorization, 'Bearer operator-token')
})

t.test('create sends an Idempotency-Key, update the ETag that was read', async (t) => {
  const stub = await startStub(t, ({ method }) => ({
    body: acme,
    ...(method === 'GET' && { headers: { etag: '"7"' } }),
  }))
  const { environment } = environmentFor(t, stub.url)
  t.equal(await run(['tenant', 'create', 'acme', '--quota', 'pods=20,requests.cpu=8'], environment), 0)
  t.match(stub.seen[0]?.headers['idempotency-key'], /^[0-9a-f-]{36}$/)
  t.same(JSON.parse(stub.seen[0]?.body ?? ''), { name: 'acme', quota: { pods: '20', 'requests.cpu': '8' } })
  t.equal(await run(['tenant', 'suspend', 'acme'], environment), 0)
  t.equal(stub.seen[2]?.headers['if-match'], '"7"')
  t.same(JSON.parse(stub.seen[2]?.body ?? ''), { suspended: true })
})

t.test(
  'errors are one sentence with the faults of each field, and have exit codes of their own',
  async (t) => {
    const errors = [{ field: 'name', reason: 'FieldValueInvalid', message: 'must be a DNS-1123 label' }]
    for (const [code, status, exit] of [
      ['invalid', 422, 2],
      ['not_found', 404, 3],
      ['unauthenticated', 401, 4],
      ['in_use', 409, 5],
      ['unavailable', 503, 6],
      ['internal', 500, 1],
    ] as const) {
      const stub = await startStub(t, () => ({ status, body: { code, detail: 'It is so.', errors } }))
      const { printed, environment } = environmentFor(t, stub.url)
      t.equal(await run(['tenant', 'get', 'x'], environment), exit, code)
      t.equal(printed.err, 'error: It is so.\n  name: must be a DNS-1123 label\n')
    }
  },
)

t.test('wrong usage is exit code 2 and says what is wrong', async (t) => {
  const { printed, environment } = environmentFor(t, 'http://127.0.0.1:1')
  for (const args of [
    ['nonsense'],
    ['tenant', 'create'],
    ['tenant', 'list', '-o', 'xml'],
    ['quota', 'set', 'a', 'pods'],
  ]) {
    printed.err = ''
    t.equal(await run(args, environment), 2, args.join(' '))
    t.not(printed.err, '')
  }
})

t.test('a server that does not answer is exit code 6', async (t) => {
  const { printed, environment } = environmentFor(t, 'http://127.0.0.1:1')
  t.equal(await run(['tenant', 'list'], environment), 6)
  t.match(printed.err, /does not answer/)
})

t.test('CVE-2021-25743: control characters of a name do not reach the terminal', async (t) => {
  const stub = await startStub(t, () => ({ body: { items: [{ ...acme, displayName: '\u001b[2Jx\u202e' }] } }))
  const { printed, environment } = environmentFor(t, stub.url)
  await run(['tenant', 'list'], environment)
  t.notMatch(printed.out, /[\u001b\u202e]/)
})

t.test('names are one segment of the path, whatever they hold', async (t) => {
  const stub = await startStub(t, () => ({ body: acme }))
  const { environment } = environmentFor(t, stub.url)
  await run(['tenant', 'get', '../operators/x?y'], environment)
  t.equal(stub.seen[0]?.url, '/v1/tenants/..%2Foperators%2Fx%3Fy')
})

t.test('kubeconfig holds no secret; its plugin keeps a token until shortly before it ends', async (t) => {
  const credential = { id: 'c1', node: 'east', tenant: 'acme', clientSecret: 'isc_secret' }
  const stub = await startStub(t, ({ url }) =>
    url === '/oauth/token'
      ? { body: { access_token: 'jwt', expires_in: 600 } }
      : { status: 201, body: credential },
  )
  const { printed, environment } = environmentFor(t, stub.url)
  t.equal(await run(['kubeconfig', 'acme/east'], environment), 0)
  t.notMatch(printed.out, /isc_secret/)
  const file = join(environment.configFolder, 'credentials', 'c1.json')
  t.equal(statSync(file).mode & 0o777, 0o600)
  t.match(JSON.parse(readFileSync(file, 'utf8')), { clientId: 'c1', clientSecret: 'isc_secret' })
  printed.out = ''
  t.equal(await run(['token', '--credential', file], environment), 0)
  t.match(JSON.parse(printed.out), {
    kind: 'ExecCredential',
    apiVersion: 'client.authentication.k8s.io/v1',
    status: { token: 'jwt' },
  })
  await run(['token', '--credential', file], environment)
  const asked = () => stub.seen.filter(({ url }) => url === '/oauth/token').length
  t.equal(asked(), 1)
  await run(['token', '--credential', file], { ...environment, now: () => 1_000_000 + 599_000 })
  t.equal(asked(), 2)
})
