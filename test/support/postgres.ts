import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import pg from 'pg'
import { type Database, openDatabase } from '../../src/gateway/store/database.ts'
import { migrate } from '../../src/gateway/store/migrate.ts'
import { silentLogger } from '../../src/lib/logger.ts'
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/postgres/index.ts'

/** A server of this test file: embedded, or the one that DATABASE_URL names. */
export interface TestServer {
  /** Connection string of the database that the server was reached by. */
  url: string
  /** Stops the server; the returned function starts it again at the same address. Undefined with DATABASE_URL. */
  outage(): Promise<(() => Promise<void>) | undefined>
  /** An empty database. */
  emptyDatabase(): Promise<string>
  /** A database with the schema, cloned from a template (0.1 s). */
  migratedDatabase(): Promise<string>
  /** A pool on a database of `migratedDatabase`, or on the given one; closed by `stop`. */
  open(url?: string): Promise<Database>
  stop(): Promise<void>
}

/** Starts the server; call `stop` in a teardown. */
export async function startTestServer({ durable = false } = {}): Promise<TestServer> {
  const external = process.env.DATABASE_URL
  const dataDir = external ? undefined : mkdtempSync(path.join(tmpdir(), 'isthmus-test-pg-'))
  const start = (port?: number) =>
    startEmbeddedPostgres({
      dataDir: dataDir as string,
      logger: silentLogger,
      durable,
      maxConnections: 300,
      port,
    })
  let embedded: EmbeddedPostgres | undefined = dataDir ? await start() : undefined
  const url = external ?? (embedded?.url as string)
  const made: string[] = []
  const open: Database[] = []
  let template: Promise<string> | undefined

  async function admin(sql: string): Promise<void> {
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    await client.query(sql).finally(() => client.end())
  }
  async function create(suffix = ''): Promise<string> {
    const name = `isthmus_test_${randomBytes(6).toString('hex')}`
    await admin(`create database ${name}${suffix}`)
    made.push(name)
    const address = new URL(url)
    address.pathname = `/${name}`
    return address.href
  }
  async function makeTemplate(): Promise<string> {
    const href = await create()
    const database = openDatabase({ url: href, logger: silentLogger })
    await migrate({ database, logger: silentLogger })
    await database.close()
    return new URL(href).pathname.slice(1)
  }

  async function migratedDatabase(): Promise<string> {
    template ??= makeTemplate()
    return create(` template ${await template}`)
  }

  return {
    url,
    async outage() {
      const stopped = embedded
      if (!stopped) return undefined
      await stopped.stop()
      return async () => {
        embedded = await start(stopped.port)
      }
    },
    emptyDatabase: () => create(),
    migratedDatabase,
    async open(at?: string) {
      const database = openDatabase({ url: at ?? (await migratedDatabase()), logger: silentLogger })
      open.push(database)
      return database
    },
    async stop() {
      await Promise.allSettled(open.map((database) => database.close()))
      if (!embedded) for (const name of made) await admin(`drop database if exists ${name} with (force)`)
      await embedded?.stop()
      if (dataDir) rmSync(dataDir, { recursive: true, force: true })
    },
  }
}
