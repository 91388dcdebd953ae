import type { CutOff } from '../../../src/gateway/directory/index.ts'
import { followDirectory } from '../../../src/gateway/directory/index.ts'
import { postgresDirectorySource } from '../../../src/gateway/store/directory-source.ts'
import { postgresNamespaces } from '../../../src/gateway/store/namespaces.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import { silentLogger } from '../../../src/lib/logger.ts'
import { eventually } from '../../support/eventually.ts'
import { makeRows } from '../../support/gateway-rows.ts'
import { startTestServer } from '../../support/postgres.ts'
import t, { type Test } from '../../support/tap.ts'

const server = await startTestServer()
t.teardown(() => server.stop())

async function follow(t: Test, url: string) {
  const database = await server.open(url)
  const source = postgresDirectorySource(database, silentLogger)
  const directory = await followDirectory({ source, clock: systemClock, logger: silentLogger })
  t.teardown(() => directory.close())
  const cutOffs: CutOff[] = []
  directory.onCutOff((cutOff) => cutOffs.push(cutOff))
  return { database, directory, cutOffs, namespaces: postgresNamespaces(database, directory) }
}

t.test('a change on one replica is in the directory of the other within 2 s, with its cut-off', async (t) => {
  const url = await server.migratedDatabase()
  const a = await follow(t, url)
  const b = await follow(t, url)
  const rows = await makeRows(a.database)
  // A replica that meets a tenant as suspended already has nothing of it to cut off.
  await eventually('tenant on both', () => [a, b].every(({ directory }) => directory.tenant(rows.tenantId)))
  const began = Date.now()
  await a.database.query('update tenants set suspended = true where id = $1', [rows.tenantId])
  await eventually('cut-off on both', () => a.cutOffs.length === 1 && b.cutOffs.length === 1)
  t.ok(Date.now() - began < 2_000)
  t.same(b.cutOffs, [{ scope: 'tenant', id: rows.tenantId, reason: 'suspended' }])
})

t.test('a transaction that commits after younger ones is not missed', async (t) => {
  const url = await server.migratedDatabase()
  const { database, directory } = await follow(t, url)
  const rows = await makeRows(database)
  const slow = await database.connect()
  await slow.query('begin')
  await slow.query('update tenants set suspended = true where id = $1', [rows.tenantId])
  const other = await makeRows(database)
  await eventually('the younger one is seen', () => directory.tenant(other.tenantId))
  await directory.refresh()
  t.equal(directory.tenant(rows.tenantId)?.suspended, false)
  await slow.query('commit')
  await directory.refresh()
  t.equal(directory.tenant(rows.tenantId)?.suspended, true)
  await slow.end()
})

t.test('refresh sees everything committed before the call, also while another is under way', async (t) => {
  const url = await server.migratedDatabase()
  const { database, directory } = await follow(t, url)
  for (let round = 0; round < 20; round++) {
    void directory.refresh()
    const rows = await makeRows(database)
    await directory.refresh()
    t.ok(directory.node(rows.nodeId))
  }
})

t.test('G10: junk on the wake-up channel changes nothing, and the poll works without it', async (t) => {
  const url = await server.migratedDatabase()
  const { database, directory } = await follow(t, url)
  await database.query(`select pg_notify('isthmus_changes', repeat('x', 7999))`)
  await database.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
      where query ilike 'listen%' and datname = current_database()`,
  )
  const rows = await makeRows(database)
  await eventually('seen by the poll', () => directory.tenant(rows.tenantId))
  t.equal(directory.staleSinceMs(), undefined)
})

t.test('one name becomes one physical namespace, however many ask at once on two replicas', async (t) => {
  const url = await server.migratedDatabase()
  const a = await follow(t, url)
  const b = await follow(t, url)
  const rows = await makeRows(a.database)
  await Promise.all([a.directory.refresh(), b.directory.refresh()])
  const all = await Promise.all(
    Array.from({ length: 20 }, (_, index) => (index % 2 ? a : b).namespaces.ensure(rows.nodeId, 'default')),
  )
  t.equal(new Set(all.map((record) => record.physicalName)).size, 1)
  const physical = all[0]!.physicalName
  t.match(physical, /^t-[a-z2-7]{26}$/)
  t.ok(b.directory.isPhysicalName(physical))
  await a.namespaces.drop(rows.nodeId, physical)
  t.equal(a.directory.namespace(rows.nodeId, 'default'), undefined)
  await eventually('gone on b', () => !b.directory.namespace(rows.nodeId, 'default'))
  const again = await b.namespaces.ensure(rows.nodeId, 'default')
  t.not(again.physicalName, physical)
  await a.namespaces.drop(rows.nodeId, physical)
  t.ok(a.directory.namespace(rows.nodeId, 'default'), 'the new one is not dropped by the old one’s event')
})

t.test('while Postgres is away look-ups go on, the copy says that it is stale, and recovers', async (t) => {
  const { database, directory } = await follow(t, await server.migratedDatabase())
  const rows = await makeRows(database)
  await directory.refresh()
  const resume = await server.outage()
  if (!resume) {
    t.pass('an external Postgres is not stopped')
    return
  }
  await eventually('stale', () => directory.staleSinceMs())
  t.ok(directory.tenant(rows.tenantId))
  await t.rejects(directory.refresh(), { code: 'unavailable' })
  await resume()
  await eventually('fresh', () => directory.staleSinceMs() === undefined)
})
