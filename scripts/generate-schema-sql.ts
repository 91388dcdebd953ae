/**
 * Writes migrations/schema.sql from a database on which all migrations ran (embedded Postgres). With `--check` it
 * compares instead, and exits 1 where it is out of date.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { openDatabase } from '../src/gateway/store/database.ts'
import { migrate } from '../src/gateway/store/migrate.ts'
import { dumpSchema } from '../src/gateway/store/schema-dump.ts'
import { silentLogger } from '../src/lib/logger.ts'
import { startEmbeddedPostgres } from '../src/postgres/index.ts'

const file = fileURLToPath(new URL('../migrations/schema.sql', import.meta.url))
const folder = mkdtempSync(path.join(tmpdir(), 'isthmus-schema-'))
const logger = silentLogger
// Beside the temporary folder, which root alone may enter.
const server = await startEmbeddedPostgres({ dataDir: `${folder}-data`, logger, durable: false })
const database = openDatabase({ url: server.url, logger })
try {
  await migrate({ database, logger })
  const text = await dumpSchema(database)
  const present = existsSync(file) ? readFileSync(file, 'utf8') : ''
  if (present !== text && process.argv.includes('--check')) {
    console.error('migrations/schema.sql is out of date: node scripts/generate-schema-sql.ts')
    process.exitCode = 1
  } else if (present !== text) {
    writeFileSync(file, text)
    console.log('migrations/schema.sql written')
  }
} finally {
  await database.close()
  await server.stop()
  for (const each of [folder, `${folder}-data`]) rmSync(each, { recursive: true, force: true })
}
