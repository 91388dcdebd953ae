import { stringify } from 'yaml'
import { type Column, renderTable } from './table.ts'

export const outputFormats = ['table', 'wide', 'json', 'yaml', 'name'] as const
export type OutputFormat = (typeof outputFormats)[number]

/** What is printed in one of the formats. */
export interface Printed<T> {
  columns: readonly Column<T>[]
  /** What `-o name` prints of a row. */
  name: (row: T) => string
}

/** A list; `-o json` and `-o yaml` give `{ "items": [...] }`. */
export function printList<T>(format: OutputFormat, rows: readonly T[], as: Printed<T>): string {
  if (format === 'json') return JSON.stringify({ items: rows }, undefined, 2)
  if (format === 'yaml') return stringify({ items: rows }).trimEnd()
  if (format === 'name') return rows.map(as.name).join('\n')
  return rows.length === 0 ? 'Nothing found.' : renderTable(as.columns, rows, format === 'wide')
}

/** One object; a table of one row unless asked otherwise. */
export function printOne<T>(format: OutputFormat, row: T, as: Printed<T>): string {
  if (format === 'json') return JSON.stringify(row, undefined, 2)
  if (format === 'yaml') return stringify(row).trimEnd()
  return printList(format, [row], as)
}
