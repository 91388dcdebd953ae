import { randomBytes } from 'node:crypto'
import { run } from '../../../src/cli/run.ts'
import { sealCredential } from '../../../src/gateway/clusters/credential.ts'
import { hashSecret } from '../../../src/gateway/credentials/index.ts'
import { postgresOperators } from '../../../src/gateway/store/operators.ts'
import { makeSealer } from '../../../src/lib/seal.ts'
import { startTestServer } from '../../support/postgres.ts'
import t from '../../support/tap.ts'

const server = await startTestServer()
t.teardown(() => server.stop())

/** Runs a command line with this database; gives what it printed. */
async function isthmus(args: string[], env: Record<string, string>) {
  const printed = { out: '', err: '' }
  const code = await run(args, {
    env,
    stdout: { write: (text: string) => (printed.out += text) },
    stderr: { write: (text: string) => (printed.err += text) },
    now: Date.now,
    configFolder: '/nonexistent',
  })
  return { code, ...printed }
}

t.test('migrate applies what is pending, once, and a dry run changes nothing', async (t) => {
  const env = { DATABASE_URL: await server.emptyDatabase() }
  const pending = await isthmus(['migrate', '--dry-run'], env)
  t.match(pending, { code: 0, out: /0001-\S+ +Pending/ })
  t.match(await isthmus(['migrate'], env), { code: 0, out: /^applied / })
  t.match(await isthmus(['migrate'], env), { code: 0, out: 'nothing to do\n' })
  t.match(await isthmus(['migrate', '--dry-run'], env), { code: 0, out: /0001-\S+ +Applied +2/ })
})

t.test('a database that is newer than the code is refused in one sentence, exit code 5', async (t) => {
  const url = await server.migratedDatabase()
  const database = await server.open(url)
  await database.query('insert into migrations (id, name, hash) values (9999, $1, $2)', ['future', 'x'])
  const refused = await isthmus(['migrate'], { DATABASE_URL: url })
  t.match(refused, { code: 5, err: /newer/ })
  t.equal(refused.err.split('\n').length, 2)
})

t.test('without a database, or one that does not answer, the exit code says which', async (t) => {
  t.match(await isthmus(['migrate'], {}), { code: 2, err: /--database-url/ })
  t.match(await isthmus(['migrate'], { DATABASE_URL: 'postgres://x@127.0.0.1:1/x' }), { code: 6 })
  t.match(await isthmus(['keys', 'list', '--dev', '--data-dir', '/nonexistent/x'], {}), {
    code: 2,
    err: /no data of a gateway/,
  })
})

t.test('operator bootstrap gives one token that is good, and another only by force', async (t) => {
  const url = await server.emptyDatabase()
  const env = { DATABASE_URL: url }
  const first = await isthmus(['operator', 'bootstrap', '--raw'], env)
  t.match(first, { code: 0, out: /^iso_\S+\n$/ })
  const operators = postgresOperators(await server.open(url))
  t.match(await operators.byTokenHash(hashSecret(first.out.trim())), { name: 'admin', role: 'admin' })
  t.match(await isthmus(['operator', 'bootstrap', '--raw'], env), { code: 5, out: '', err: /--force/ })
  t.match(await isthmus(['operator', 'bootstrap', '--force'], env), { code: 5, err: /this name/ })
  const second = await isthmus(['operator', 'bootstrap', '--raw', '--force', '--name', 'rescue'], env)
  t.match(await operators.byTokenHash(hashSecret(second.out.trim())), { name: 'rescue', role: 'admin' })
})

t.test('two bootstraps at once make one operator', async (t) => {
  const env = { DATABASE_URL: await server.migratedDatabase() }
  const both = await Promise.all([
    isthmus(['operator', 'bootstrap', '--raw'], env),
    isthmus(['operator', 'bootstrap', '--raw'], env),
  ])
  t.same(both.map(({ code }) => code).sort(), [0, 5])
})

t.test('keys rotate makes a key that signs later; a second one waits for it', async (t) => {
  const env = {
    DATABASE_URL: await server.migratedDatabase(),
    ISTHMUS_MASTER_KEYS: randomBytes(32).toString('base64'),
  }
  t.match(await isthmus(['keys', 'rotate'], env), { code: 0, out: /^key\/\S+ made; it signs from / })
  t.match(await isthmus(['keys', 'list'], env), { code: 0, out: /Signs[\s\S]*Coming/ })
  const other = { ...env, ISTHMUS_MASTER_KEYS: randomBytes(32).toString('base64') }
  t.match(await isthmus(['keys', 'rotate'], other), { code: 2, err: /not those of this database/ })
  t.match(await isthmus(['keys', 'rotate'], { DATABASE_URL: env.DATABASE_URL }), {
    code: 2,
    err: /--master-keys/,
  })
})

t.test(
  'keys rotate --master seals every secret with the first key; the old one can then be left out',
  async (t) => {
    const [old, young] = [randomBytes(32), randomBytes(32)]
    const url = await server.migratedDatabase()
    const env = (...keys: Buffer[]) => ({
      DATABASE_URL: url,
      ISTHMUS_MASTER_KEYS: keys.map((key) => key.toString('base64')).join(','),
    })
    t.equal((await isthmus(['keys', 'rotate'], env(old))).code, 0)
    const database = await server.open(url)
    const id = '01980000-0000-7000-8000-000000000001'
    await database.query(
      `insert into clusters (id, name, server, network, kubernetes_version, sealed_credential)
     values ($1, 'dp', 'https://dp', 'flat', 'v1.36.3', $2)`,
      [id, sealCredential(makeSealer([old]), id, { token: 'secret' })],
    )
    t.match(await isthmus(['keys', 'rotate', '--master'], env(young)), {
      code: 2,
      err: /no master key opens/,
    })
    const resealed = await isthmus(['keys', 'rotate', '--master'], env(young, old))
    t.match(resealed, { code: 0, out: /^3 secrets sealed with the first master key, 0 were already/ })
    t.match(await isthmus(['keys', 'rotate', '--master'], env(young)), {
      out: /^0 secrets .* 3 were already/,
    })
    const [row] = await database.query<{ sealed: Uint8Array }>(
      'select sealed_credential as sealed from clusters',
    )
    t.same(JSON.parse(makeSealer([young]).open(row?.sealed as Uint8Array, `cluster:${id}`)), {
      token: 'secret',
    })
  },
)
