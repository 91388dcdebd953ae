import type { Page, PageRequest } from '../../lib/page.ts'
import type { Database, Queryable } from './database.ts'

/**
 * Statements under the tenant's row-level security when there is a scope (a tenant-admin), else without. It is the
 * second wall: each statement names the scope in its own `where` as well, and either holds alone (isolation.test.ts).
 */
export function within(database: Database, scope: string | undefined): Queryable {
  if (scope === undefined) return database
  return { query: (sql, values, name) => database.forTenant(scope, (tx) => tx.query(sql, values, name)) }
}

/** One row more than asked for tells whether there is another page. */
export const fetchSize = (page: PageRequest) => page.limit + 1

/** Cuts the extra row off. `cursor` is the column that the list is ordered by, unique per row. */
export function toPage<Row extends { cursor: string }, T>(
  rows: readonly Row[],
  page: PageRequest,
  map: (row: Row) => T,
): Page<T> {
  const shown = rows.slice(0, page.limit)
  return { items: shown.map(map), next: rows.length > page.limit ? shown.at(-1)?.cursor : undefined }
}
