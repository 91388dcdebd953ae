import { readFileSync } from 'node:fs'
import type { Database } from '../../../src/gateway/store/database.ts'
import { migrate, readMigrations } from '../../../src/gateway/store/migrate.ts'
import { dumpSchema } from '../../../src/gateway/store/schema-dump.ts'
import { silentLogger } from '../../../src/lib/logger.ts'
import { startTestServer } from '../../support/postgres.ts'
import t from '../../support/tap.ts'

const server = await startTestServer()
t.teardown(() => server.stop())
const logger = silentLogger

t.test('20 concurrent runners all succeed and each step is applied once', async (t) => {
  const url = await server.emptyDatabase()
  const databases = await Promise.all(Array.from({ length: 20 }, () => server.open(url)))
  const applied = await Promise.all(databases.map((database) => migrate({ database, logger })))
  t.equal(applied.filter((names) => names.length > 0).length, 1)
  t.equal(applied.flat().length, readMigrations().length)
})

t.test('a second run applies nothing', async (t) => {
  const database = await server.open()
  t.same(await migrate({ database, logger }), [])
})

t.test('a schema newer than the code is refused', async (t) => {
  const database = await server.open()
  await database.query('insert into migrations (id, name, hash) values (9999, $1, $2)', ['future', 'x'])
  await t.rejects(migrate({ database, logger }), /newer/)
})

t.test('an applied step whose text has changed is refused', async (t) => {
  const database = await server.open()
  const migrations = readMigrations().map((step) => ({ ...step, hash: 'other' }))
  await t.rejects(migrate({ database, logger, migrations }), /never change/)
})

t.test('a server older than PostgreSQL 16 is refused in a sentence, before anything is done', async (t) => {
  const asked: string[] = []
  const old = {
    async query(sql: string) {
      asked.push(sql)
      return { rows: [{ number: '150018', version: '15.18' }] }
    },
    async end() {},
  }
  const database = { connect: async () => old } as unknown as Database
  const refused = { code: 'conflict', message: 'Isthmus needs PostgreSQL 16 or newer; this server is 15.18.' }
  await t.rejects(migrate({ database, logger }), refused)
  t.equal(asked.length, 1, 'one question and no statement')
})

t.test('a failing step leaves nothing behind', async (t) => {
  const database = await server.open()
  const known = readMigrations()
  const broken = {
    id: known.length + 1,
    name: 'broken',
    sql: 'create table left_behind (x int); select 1/0',
    hash: 'h',
  }
  await t.rejects(migrate({ database, logger, migrations: [...known, broken] }), /broken failed/)
  const [row] = await database.query<{ there: boolean }>(
    `select to_regclass('left_behind') is not null as there`,
  )
  t.equal(row?.there, false)
})

t.test('migrations/schema.sql is what all migrations make', async (t) => {
  const database = await server.open()
  const present = readFileSync(new URL('../../../migrations/schema.sql', import.meta.url), 'utf8')
  t.equal(await dumpSchema(database), present)
})
