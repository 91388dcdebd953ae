import pg from 'pg'
import type { Logger } from '../../lib/logger.ts'
import { IsthmusError } from '../../protocol/errors/index.ts'
import { isRetryable, toStoreError } from './sqlstate.ts'

/** Runs one statement. Values only ever travel as `$n`. */
export interface Queryable {
  /**
   * With a `name` (one per text) each connection parses and plans the statement once.
   * @throws IsthmusError, see sqlstate.ts
   */
  query<Row>(sql: string, values?: readonly unknown[], name?: string): Promise<Row[]>
}

export interface Database extends Queryable {
  /** Runs `work` in one READ COMMITTED transaction, again (up to 3 times) after a deadlock. It must touch nothing but its `tx`. */
  transaction<T>(work: (tx: Queryable) => Promise<T>, begin?: string): Promise<T>
  /**
   * As `transaction`, but as the role that row-level security confines to this tenant: the second wall behind
   * the statements' own `where`. Everything that is done for a principal runs here.
   */
  forTenant<T>(tenantId: string, work: (tx: Queryable) => Promise<T>): Promise<T>
  /** A connection of its own, for LISTEN and advisory locks; `end` it. @throws unavailable */
  connect(): Promise<pg.Client>
  close(): Promise<void>
}

export interface DatabaseOptions {
  /** `postgres://…`. */
  url: string
  logger: Logger
  /** Connections of the pool; 20 by default. */
  poolSize?: number
}

/** A request waits no longer than this for a free connection: a slow database answers 503 instead of piling up. */
const CONNECT_TIMEOUT_MS = 3_000
/** No statement of ours takes more than milliseconds; this ends one that a lock or a stalled disk holds. */
const STATEMENT_TIMEOUT_MS = 8_000
/** Client side, for a server that says nothing at all. */
const QUERY_TIMEOUT_MS = 10_000
const ATTEMPTS = 3

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/**
 * Begins a transaction in a tenant's scope. Both settings end with it, so that a pooled connection never carries them
 * on. In one round trip, which takes a text without parameters: nothing but a UUID comes into it.
 */
function scopeOf(tenantId: string): string {
  if (!UUID.test(tenantId)) throw new IsthmusError('internal', 'An internal error occurred.')
  return `begin; set local isthmus.tenant = '${tenantId}'; set local role isthmus_tenant`
}

/** Opens the pool; connections are made when needed, so that this never fails. */
export function openDatabase(options: DatabaseOptions): Database {
  const settings = {
    connectionString: options.url,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    application_name: 'isthmus',
    keepAlive: true,
  }
  const pool = new pg.Pool({
    ...settings,
    max: options.poolSize ?? 20,
    idleTimeoutMillis: 30_000,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    query_timeout: QUERY_TIMEOUT_MS,
    idle_in_transaction_session_timeout: STATEMENT_TIMEOUT_MS,
  })
  // An idle connection that dies (restart of the server) is an event, not a crash.
  pool.on('error', (error) => options.logger.warn({ err: error }, 'lost an idle database connection'))

  const run = async <Row>(
    target: pg.Pool | pg.PoolClient,
    text: string,
    values: readonly unknown[],
    name?: string,
  ) => {
    try {
      return (await target.query({ text, values: values as unknown[], name })).rows as Row[]
    } catch (error) {
      throw isRetryable(error) ? error : toStoreError(error)
    }
  }

  async function attempt<T>(begin: string, work: (tx: Queryable) => Promise<T>): Promise<T> {
    const client = await pool.connect().catch((error) => {
      throw toStoreError(error)
    })
    let broken: Error | undefined
    // Between two statements nobody else listens: the death of a checked-out client must not be an uncaught event.
    const onError = (error: Error) => {
      broken = error
    }
    client.on('error', onError)
    try {
      await run(client, begin, [])
      const result = await work({ query: (sql, values = [], name) => run(client, sql, values, name) })
      await run(client, 'commit', [])
      return result
    } catch (error) {
      await client.query('rollback').catch((failure) => {
        broken = failure
      })
      throw error
    } finally {
      client.off('error', onError)
      client.release(broken)
    }
  }

  async function transaction<T>(work: (tx: Queryable) => Promise<T>, begin = 'begin'): Promise<T> {
    for (let left = ATTEMPTS; ; left--) {
      try {
        return await attempt(begin, work)
      } catch (error) {
        if (left > 1 && isRetryable(error)) continue
        throw toStoreError(error)
      }
    }
  }

  return {
    async query(sql, values = [], name) {
      try {
        return await run(pool, sql, values, name)
      } catch (error) {
        throw toStoreError(error)
      }
    },
    transaction,
    forTenant: (tenantId, work) => transaction(work, scopeOf(tenantId)),
    async connect() {
      const client = new pg.Client(settings)
      client.on('error', (error) => options.logger.warn({ err: error }, 'lost a database connection'))
      await client.connect().catch((error) => {
        throw toStoreError(error)
      })
      return client
    },
    close: () => pool.end(),
  }
}
