import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { gatewaySettings, readGatewayConfig } from '../../../src/gateway/config.ts'
import { readMasterKeys } from '../../../src/gateway/dev/master-key.ts'
import { SettingsError, settingsTable, showSettings } from '../../../src/lib/settings.ts'
import t from '../../support/tap.ts'

function faultsOf(work: () => unknown): string[] {
  try {
    work()
  } catch (error) {
    if (error instanceof SettingsError) return error.faults
    throw error
  }
  return []
}

t.test(
  'flags go before the environment, the environment before the file, the file before defaults',
  async (t) => {
    const file = path.join(t.testdir({}), 'config.json')
    writeFileSync(file, JSON.stringify({ port: 1, 'operator-port': 2, 'log-level': 'warn' }))
    const env = { ISTHMUS_PORT: '3', ISTHMUS_OPERATOR_PORT: '4' }
    const { values, origins } = readGatewayConfig({ flags: { dev: true, port: '5' }, env, file })
    t.match(values, { publicPort: 5, operatorPort: 4, logLevel: 'warn', drainGrace: 10_000 })
    t.match(origins, {
      publicPort: 'flag',
      operatorPort: 'environment',
      logLevel: 'file',
      drainGrace: 'default',
    })
  },
)

t.test('every fault is told at once, where it stands, and never with a secret’s value', async (t) => {
  const faults = faultsOf(() =>
    readGatewayConfig({
      flags: { dev: 'perhaps', port: '70000', nonsense: 'x' },
      env: { ISTHMUS_SESSION_IDLE: '5 minutes', ISTHMUS_LOG_LEVEL: 'loud' },
      file: '/nowhere.json',
    }),
  )
  t.equal(faults.length, 6)
  for (const place of [
    '--dev',
    '--port',
    '--nonsense',
    'ISTHMUS_SESSION_IDLE',
    'ISTHMUS_LOG_LEVEL',
    '/nowhere.json',
  ])
    t.ok(
      faults.some((fault) => fault.startsWith(place)),
      place,
    )
})

t.test('without --dev database, master key and TLS are asked for, all three', async (t) => {
  t.equal(faultsOf(() => readGatewayConfig({})).length, 3)
  const given = {
    DATABASE_URL: 'postgres://u:hunter2@h/d',
    ISTHMUS_MASTER_KEYS: 'k',
    ISTHMUS_INSECURE_HTTP: 'true',
  }
  const read = readGatewayConfig({ env: given })
  const shown = showSettings(gatewaySettings, read).join('\n')
  t.notMatch(shown, /hunter2/)
  t.match(shown, /database-url=\*+/)
})

t.test('a master key that is not 32 bytes of base64 is refused; --dev makes one and keeps it', async (t) => {
  const base = { dev: false, dataDir: '', masterKeys: undefined, masterKeyFile: undefined }
  t.throws(() => readMasterKeys({ ...base, masterKeys: ['short'] }), /32 bytes/)
  const dataDir = path.join(t.testdir({}), 'data')
  const made = readMasterKeys({ ...base, dev: true, dataDir })
  t.same(readMasterKeys({ ...base, dev: true, dataDir }), made)
  const file = path.join(dataDir, 'keys')
  writeFileSync(file, `# two\n${made[0]?.toString('base64')}\n\n${Buffer.alloc(32, 1).toString('base64')}\n`)
  t.equal(readMasterKeys({ ...base, masterKeyFile: file }).length, 2)
})

t.test('every setting has a flag, a variable and a description of its own', async (t) => {
  const all = Object.values(gatewaySettings)
  t.equal(new Set(all.map((setting) => setting.flag)).size, all.length)
  t.equal(new Set(all.map((setting) => setting.env)).size, all.length)
  t.equal(settingsTable(gatewaySettings).split('\n').length, all.length + 2)
})
