import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import type { Logger } from '../../lib/logger.ts'
import { IsthmusError } from '../../protocol/errors/index.ts'
import type { Database } from './database.ts'

/** One forward-only step, `migrations/NNNN-name.sql`. */
export interface Migration {
  id: number
  name: string
  sql: string
  /** SHA-256 of the text: an applied step never changes. */
  hash: string
}

const FOLDER = new URL('../../../migrations/', import.meta.url)
/** Any constant of our own; all runners of one database meet on it. */
const LOCK = 0x1577_4d55
/** PostgreSQL 16: since then a membership says whether the role may be set, which `forTenant` needs (0001-spine.sql). */
const SERVER_MIN = 160_000

/** The steps that this version of the code knows, in order. @throws Error when the numbers have a gap */
export function readMigrations(folder: URL = FOLDER): Migration[] {
  const files = readdirSync(folder).filter((file) => /^\d{4}-.+\.sql$/.test(file))
  return files.sort().map((file, index) => {
    const sql = readFileSync(new URL(file, folder), 'utf8')
    const id = Number(file.slice(0, 4))
    if (id !== index + 1) throw new Error(`migrations/${file}: expected number ${index + 1}`)
    return { id, name: file.slice(5, -4), sql, hash: createHash('sha256').update(sql).digest('hex') }
  })
}

export interface MigrateOptions {
  database: Database
  logger: Logger
  /** For tests; by default those of this version. */
  migrations?: Migration[]
}

/**
 * Brings the schema to this version. Runners wait for each other on an advisory lock, the later find nothing to
 * do; each step is one transaction. Returns the names of the steps applied.
 * @throws IsthmusError conflict when the server is older than PostgreSQL 16, the database of a newer version, or an
 * applied step's text has changed since
 */
export async function migrate(options: MigrateOptions): Promise<string[]> {
  const migrations = options.migrations ?? readMigrations()
  const client = await options.database.connect()
  try {
    await checkServer(client)
    // Blocks until the runner before us is done; released with the connection, whatever happens to us.
    await client.query('select pg_advisory_lock($1)', [LOCK])
    await client.query(`create table if not exists migrations (
      id integer primary key, name text not null, hash text not null, applied_at timestamptz not null default now())`)
    const { rows } = await client.query<{ id: number; name: string; hash: string }>(
      'select id, name, hash from migrations order by id',
    )
    for (const row of rows) check(row, migrations)
    const pending = migrations.slice(rows.length)
    for (const step of pending) {
      await client.query('begin')
      try {
        await client.query(step.sql)
        await client.query('insert into migrations (id, name, hash) values ($1, $2, $3)', [
          step.id,
          step.name,
          step.hash,
        ])
        await client.query('commit')
      } catch (error) {
        await client.query('rollback')
        throw new Error(`migration ${step.id}-${step.name} failed`, { cause: error })
      }
      options.logger.info({ migration: `${step.id}-${step.name}` }, 'applied a migration')
    }
    return pending.map((step) => step.name)
  } finally {
    await client.end()
  }
}

async function checkServer(client: Awaited<ReturnType<Database['connect']>>): Promise<void> {
  const { rows } = await client.query<{ number: string; version: string }>(
    `select current_setting('server_version_num') as number, current_setting('server_version') as version`,
  )
  const [server] = rows
  if (server && Number(server.number) < SERVER_MIN) {
    throw new IsthmusError(
      'conflict',
      `Isthmus needs PostgreSQL 16 or newer; this server is ${server.version}.`,
    )
  }
}

/** One step as a database has it. */
export interface MigrationState {
  id: number
  name: string
  /** Absent: pending. */
  appliedAt?: Date
}

/** What is applied and what is pending; changes nothing. @throws IsthmusError conflict as `migrate` does */
export async function migrationStates(options: Omit<MigrateOptions, 'logger'>): Promise<MigrationState[]> {
  const migrations = options.migrations ?? readMigrations()
  const { database } = options
  const [table] = await database.query<{ there: boolean }>(
    `select to_regclass('migrations') is not null as there`,
  )
  const rows = table?.there
    ? await database.query<{ id: number; name: string; hash: string; applied_at: Date }>(
        'select id, name, hash, applied_at from migrations order by id',
      )
    : []
  for (const row of rows) check(row, migrations)
  return migrations.map(({ id, name }) => ({ id, name, appliedAt: rows[id - 1]?.applied_at }))
}

function check(row: { id: number; name: string; hash: string }, migrations: Migration[]): void {
  const known = migrations[row.id - 1]
  if (!known) {
    throw new IsthmusError(
      'conflict',
      `The database has migration ${row.id}-${row.name}, which this version does not know: it is newer. Use a newer Isthmus.`,
    )
  }
  if (known.hash !== row.hash) {
    throw new IsthmusError(
      'conflict',
      `Migration ${row.id}-${row.name} was applied with another text: applied steps never change.`,
    )
  }
}
