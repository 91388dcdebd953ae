import { createHmac, generateKeyPairSync, sign as signWith } from 'node:crypto'
import { addCluster } from '../../support/cluster-row.ts'
import { makeTenant, startReplicas, tokenOf } from '../../support/gateway.ts'
import { startTestServer } from '../../support/postgres.ts'
import t from '../../support/tap.ts'

const server = await startTestServer()
const replicas = await startReplicas(await server.migratedDatabase(), 2)
t.teardown(async () => {
  await replicas.close()
  await server.stop()
})
const clusterId = await addCluster(replicas, 'dp')
const made = await makeTenant(replicas, 'acme', clusterId)
const { services } = replicas.gateways[0]!

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
const decode = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString())
const [header = '', payload = '', signature = ''] = made.token.split('.')
const self = async (token: string) => (await replicas.call('GET', '/v1/self', { token })).status
const form = (body: string, headers: Record<string, string> = {}) =>
  replicas.call('POST', '/oauth/token', {
    body,
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
  })

t.test(
  'D10: a token is EdDSA, has audience, jti and at most 15 minutes, and names no tenant in clear',
  async (t) => {
    t.match(decode(header), { alg: 'EdDSA', typ: 'at+jwt' })
    const claims = decode(payload)
    t.equal(claims.aud, 'isthmus:api')
    t.ok(claims.jti)
    t.ok(claims.exp - claims.iat <= 900)
    t.equal(await self(made.token), 200)
  },
)

t.test('D1, D2: no algorithm but EdDSA, no key but ours, no header member but ours', async (t) => {
  const { keys } = (await replicas.call('GET', '/.well-known/jwks.json')).json
  const publicKey = Buffer.from(keys[0].x, 'base64url')
  const withHeader = (change: object) => encode({ ...decode(header), ...change })
  const hmac = (head: string, key: string | Buffer) =>
    `${head}.${payload}.${createHmac('sha256', key).update(`${head}.${payload}`).digest('base64url')}`
  const own = generateKeyPairSync('ed25519')
  const signed = (head: string, body = payload) =>
    `${head}.${body}.${signWith(null, Buffer.from(`${head}.${body}`), own.privateKey).toString('base64url')}`
  const attempts: Record<string, string> = {
    ...Object.fromEntries(
      ['none', 'None', 'NONE', ' none', 'nOnE'].map((alg) => [
        `alg ${alg}`,
        `${withHeader({ alg })}.${payload}.`,
      ]),
    ),
    'alg none with signature': `${withHeader({ alg: 'none' })}.${payload}.${signature}`,
    'HS256 with the public key': hmac(withHeader({ alg: 'HS256' }), publicKey),
    'HS256 with the JWK': hmac(withHeader({ alg: 'HS256' }), JSON.stringify(keys[0])),
    'own key, our kid': signed(header),
    'own key in the header': signed(withHeader({ jwk: own.publicKey.export({ format: 'jwk' }) })),
    jku: signed(withHeader({ jku: 'http://127.0.0.1/keys' })),
    crit: `${withHeader({ crit: ['b64'], b64: false })}.${payload}.${signature}`,
    'kid path': signed(withHeader({ kid: '../../dev/null' })),
    'kid sql': signed(withHeader({ kid: `' or 1=1 --` })),
    'kid __proto__': signed(withHeader({ kid: '__proto__' })),
    'kid constructor': signed(withHeader({ kid: 'constructor' })),
    'kid number': signed(withHeader({ kid: 5 })),
    'no kid': signed(encode({ alg: 'EdDSA', typ: 'at+jwt' })),
    'another typ': `${withHeader({ typ: 'JWT' })}.${payload}.${signature}`,
    'empty signature': `${header}.${payload}.`,
    'changed payload': `${header}.${encode({ ...decode(payload), sub: 'x' })}.${signature}`,
    'no exp': signed(header, encode({ ...decode(payload), exp: undefined })),
    'five parts': 'a.b.c.d.e',
    'two parts': `${header}.${payload}`,
    empty: '',
    'no JWT': 'isc_secret',
    padding: `${made.token}=`,
    'blank inside': made.token.replace('.', ' .'),
  }
  for (const [name, token] of Object.entries(attempts)) t.equal(await self(token), 401, name)
})

t.test('D3: a token over 8 KiB is refused before anything is parsed', async (t) => {
  await t.rejects(services.tokens.verify(`${header}.${'a'.repeat(9_000)}.${signature}`), {
    code: 'unauthenticated',
  })
  await t.rejects(services.tokens.verify(`${'a'.repeat(1_000_000)}`), { code: 'unauthenticated' })
})

t.test('D4: a ticket is no token, a token no ticket, an operator’s token neither', async (t) => {
  const principal = await services.tokens.verify(made.token)
  const target = { verb: 'exec' as const, namespace: 'default', pod: 'p', command: ['true'] }
  const { session, ticket } = await services.sessions.createTicket(principal, target)
  t.equal(await self(ticket), 401)
  t.equal(await self(replicas.adminToken), 401)
  await t.rejects(services.sessions.redeem(session.id, made.token), { code: 'unauthenticated' })
  const operator = await replicas.operator('GET', '/v1/tenants', { token: made.token })
  t.equal(operator.status, 401)
})

t.test(
  'D5: a token in the URL is refused; with - and _ in it it works in Sec-WebSocket-Protocol',
  async (t) => {
    t.equal((await replicas.call('GET', `/v1/self?access_token=${made.token}`)).status, 400)
    const encoded = Buffer.from(made.token).toString('base64url')
    const headers = {
      'sec-websocket-protocol': `v5.channel.k8s.io, base64url.bearer.authorization.k8s.io.${encoded}`,
    }
    t.equal((await replicas.call('GET', '/v1/self', { headers })).status, 200)
  },
)

t.test(
  'RFC 6749: every wrong request has its error, and what is wrong with a client is not told',
  async (t) => {
    const good = `grant_type=client_credentials&client_id=${made.credentialId}&client_secret=${made.clientSecret}`
    const ok = await form(good)
    t.match(ok.json, { token_type: 'Bearer', expires_in: 900 })
    t.equal(ok.headers.get('cache-control'), 'no-store')
    const basic = Buffer.from(`${made.credentialId}:${made.clientSecret}`).toString('base64')
    t.equal((await form('grant_type=client_credentials', { authorization: `Basic ${basic}` })).status, 200)
    const cases: [string, number, string][] = [
      ['', 400, 'invalid_request'],
      ['grant_type=password&username=a&password=b', 400, 'unsupported_grant_type'],
      ['grant_type=client_credentials', 401, 'invalid_client'],
      [`${good}&client_id=x`, 400, 'invalid_request'],
      [good.replace(made.clientSecret, 'isc_wrong'), 401, 'invalid_client'],
      [good.replace(made.credentialId, crypto.randomUUID()), 401, 'invalid_client'],
      [good.replace(made.credentialId, `' or 1=1 --`), 401, 'invalid_client'],
    ]
    const texts = new Set<string>()
    for (const [body, status, error] of cases) {
      const answer = await form(body)
      t.equal(answer.status, status, body.slice(0, 40))
      t.equal(answer.json.error, error)
      if (body.startsWith(good.slice(0, 40)) && error === 'invalid_client') texts.add(answer.text)
    }
    t.equal(texts.size, 1, 'unknown client and wrong secret read the same')
    t.equal((await replicas.call('POST', `/oauth/token?${good}`)).status, 400)
    t.equal((await form('x'.repeat(20_000))).status, 413)
  },
)

t.test('rotation: the new key is known everywhere before it signs, and old tokens stay good', async (t) => {
  await services.keyring.rotate()
  const keysOf = async (replica: number) =>
    (await replicas.call('GET', '/.well-known/jwks.json', { replica })).json.keys.map(
      (key: { kid: string }) => key.kid,
    )
  const { eventually } = await import('../../support/eventually.ts')
  await eventually('both replicas publish both keys', async () => {
    return (await keysOf(0)).length === 2 && (await keysOf(1)).length === 2
  })
  t.same((await keysOf(0)).sort(), (await keysOf(1)).sort())
  const jwks = await replicas.call('GET', '/.well-known/jwks.json')
  t.notMatch(jwks.text, /"d":/, 'no private part')
  t.equal(await self(made.token), 200)
  const fresh = await tokenOf(replicas, made, 1)
  t.equal(decode(fresh.split('.')[0] as string).kid, decode(header).kid, 'still signed by the old one')
})

t.test('a suspended tenant gets no token and its tokens are refused; resumed, they work again', async (t) => {
  await replicas.operator('PATCH', '/v1/tenants/acme', { body: { suspended: true } })
  t.equal(await self(made.token), 403)
  const good = `grant_type=client_credentials&client_id=${made.credentialId}&client_secret=${made.clientSecret}`
  t.equal((await form(good)).json.error, 'access_denied')
  await replicas.operator('PATCH', '/v1/tenants/acme', { body: { suspended: false } })
  t.equal(await self(made.token), 200)
})
