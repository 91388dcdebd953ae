import { type ChildProcess, spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { Agent, request } from 'undici'
import { eventually } from '../../support/eventually.ts'
import t from '../../support/tap.ts'

const folder = mkdtempSync(path.join(tmpdir(), 'isthmus-dev-'))
chmodSync(folder, 0o711)
const dataDir = path.join(folder, 'data')
const program = fileURLToPath(new URL('../../../bin/isthmus.js', import.meta.url))
const running = new Set<ChildProcess>()
let log = ''
t.teardown(async () => {
  for (const child of running) child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

interface Ready {
  publicUrl: string
  operatorUrl: string
  caFile: string
  operatorTokenFile: string
}

async function start(): Promise<{ ready: Ready; child: ChildProcess; ended: Promise<number | null> }> {
  const readyFile = path.join(folder, `ready-${running.size}.json`)
  const args = [
    'gateway',
    '--dev',
    '--log-level',
    'trace',
    '--data-dir',
    dataDir,
    '--port',
    '0',
    '--operator-port',
    '0',
  ]
  const child = spawn(
    process.execPath,
    [program, ...args, '--drain-grace', '1s', '--ready-file', readyFile],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, DATABASE_URL: '' },
    },
  )
  running.add(child)
  child.stdout?.on('data', (chunk) => {
    log += chunk
  })
  const ended = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)))
  await eventually(`ready: ${log}`, () => existsSync(readyFile), 60_000)
  return { ready: JSON.parse(readFileSync(readyFile, 'utf8')), child, ended }
}

async function call(ready: Ready, method: 'GET' | 'POST', where: string, body?: object) {
  const dispatcher = new Agent({ connect: { ca: readFileSync(ready.caFile, 'utf8') } })
  const token = readFileSync(ready.operatorTokenFile, 'utf8').trim()
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  const answer = await request(`${ready.operatorUrl}${where}`, {
    method,
    headers,
    body: body && JSON.stringify(body),
    dispatcher,
  })
  const text = await answer.body.text()
  await dispatcher.close()
  return { status: answer.statusCode, text }
}

t.test(
  '--dev: own Postgres, key, CA and operator; rows, key and CA survive SIGTERM (exit 0) and SIGKILL',
  { timeout: 120_000 },
  async (t) => {
    const first = await start()
    t.match(first.ready.publicUrl, /^https:/)
    t.equal((await call(first.ready, 'POST', '/v1/tenants', { name: 'kept' })).status, 201)
    t.equal(
      (await call(first.ready, 'POST', '/v1/operators', { name: 'second', role: 'viewer' })).status,
      201,
    )
    t.equal((await call(first.ready, 'POST', '/v1/credentials', { node: 'none/none' })).status, 404)
    const ca = readFileSync(first.ready.caFile, 'utf8')
    first.child.kill('SIGTERM')
    t.equal(await first.ended, 0)

    const second = await start()
    t.equal((await call(second.ready, 'GET', '/v1/tenants/kept')).status, 200)
    t.equal(readFileSync(second.ready.caFile, 'utf8'), ca)
    second.child.kill('SIGKILL')
    await second.ended

    const third = await start()
    t.equal(
      (await call(third.ready, 'GET', '/v1/tenants/kept')).status,
      200,
      'its Postgres was left behind and taken over',
    )
    third.child.kill('SIGTERM')
    t.equal(await third.ended, 0)
  },
)

t.test('A17: at the finest level the log holds no token, secret or key', async (t) => {
  t.ok(log.length > 1_000, `${log.length} characters of log`)
  t.notMatch(log, /iso_[\w-]{20}|isc_[\w-]{20}|Bearer [\w.-]{10}|eyJ[\w-]{10}\.|PRIVATE KEY/)
  for (const line of log.trim().split('\n')) t.ok(JSON.parse(line).msg, 'one JSON object a line')
})
