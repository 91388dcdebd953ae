import type pg from 'pg'
import type { Logger } from '../../lib/logger.ts'
import type { Change, ChangeKind, DirectoryRecords, DirectorySource } from '../directory/index.ts'
import type { Database, Queryable } from './database.ts'
import { readClusters, readCredentials, readNamespaces, readNodes, readTenants } from './directory-records.ts'

const RECONNECT_MS = 2_000

/**
 * The directory's source on Postgres. The feed's cursor is a horizon: the oldest transaction that was still
 * running when the rows were read. Everything from it on is read again each time (few rows, known by id), so
 * that a transaction which commits late is seen although its rows are older than others already seen.
 */
export function postgresDirectorySource(database: Database, logger: Logger): DirectorySource {
  // What the answer with this cursor told. A caller that failed to use it asks with the one before and is told all again.
  let last = { cursor: '', seen: new Set<string>() }
  let answers = 0

  return {
    load: () =>
      database.transaction(async (tx) => {
        const cursor = `${await horizon(tx)}#0`
        return { cursor, records: await readRecords(tx) }
      }, 'begin isolation level repeatable read read only'),

    async since(cursor) {
      const before = cursor === last.cursor ? last.seen : new Set<string>()
      const rows = await readChanges(database, cursor.split('#')[0] as string)
      const fresh = new Map<string, Change>()
      const seen = new Set<string>()
      for (const { id, kind, key } of rows) {
        if (id === null || kind === null || key === null) continue
        seen.add(id)
        if (!before.has(id)) fresh.set(`${kind}/${key}`, { kind, key })
      }
      answers += 1
      last = { cursor: `${rows[0]?.horizon}#${answers}`, seen }
      return { changes: [...fresh.values()], cursor: last.cursor }
    },

    read: (changes) => {
      const keys = (kind: ChangeKind) => changes.filter((change) => change.kind === kind).map((c) => c.key)
      return readRecords(database, keys)
    },

    onWake: (wake) => listen(database, logger, wake),
  }
}

async function horizon(tx: Queryable): Promise<string> {
  const rows = await tx.query<{ horizon: string }>(
    'select pg_snapshot_xmin(pg_current_snapshot())::text as horizon',
  )
  return rows[0]?.horizon ?? '0'
}

/** One statement, so that horizon and rows come from the same snapshot; one row of nulls when there is nothing. */
function readChanges(database: Queryable, cursor: string) {
  return database.query<{ horizon: string; id: string | null; kind: ChangeKind | null; key: string | null }>(
    `select pg_snapshot_xmin(pg_current_snapshot())::text as horizon, c.id::text, c.kind, c.key
       from (select 1) as always left join changes c on c.xid >= $1::xid8
      order by c.id`,
    [cursor],
  )
}

async function readRecords(
  db: Queryable,
  keys: (kind: ChangeKind) => string[] | undefined = () => undefined,
): Promise<DirectoryRecords> {
  return {
    tenants: await readTenants(db, keys('tenant')),
    clusters: await readClusters(db, keys('cluster')),
    nodes: await readNodes(db, keys('node')),
    credentials: await readCredentials(db, keys('credential')),
    namespaces: await readNamespaces(db, keys('namespace')),
  }
}

/** LISTEN on a connection of its own, made again when lost; until then the poll does the work. The payload is never read. */
function listen(database: Database, logger: Logger, wake: () => void): () => Promise<void> {
  let client: pg.Client | undefined
  let timer: NodeJS.Timeout | undefined
  let closed = false

  async function open(): Promise<void> {
    try {
      const fresh = await database.connect()
      if (closed) return void (await fresh.end())
      client = fresh
      fresh.on('notification', () => wake())
      fresh.once('end', retry)
      await fresh.query('listen isthmus_changes')
      wake()
    } catch (error) {
      logger.debug({ err: error }, 'no wake-ups from the database; polling alone')
      retry()
    }
  }
  function retry(): void {
    client = undefined
    if (closed || timer) return
    timer = setTimeout(() => {
      timer = undefined
      void open()
    }, RECONNECT_MS)
    timer.unref()
  }
  const opening = open()

  return async () => {
    closed = true
    clearTimeout(timer)
    await opening
    client?.removeListener('end', retry)
    await client?.end().catch((error) => logger.debug({ err: error }, 'closing the wake-up connection'))
  }
}
