import Table from 'cli-table3'

/** One column of a table: its heading and how a row's cell reads. */
export interface Column<T> {
  heading: string
  cell: (row: T) => string | number | boolean | undefined | null
  /** Shown with `-o wide` only. */
  wide?: boolean
}

const noBorders = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '   ',
}

/** Rows as kubectl prints them: upper-case headings, columns apart by spaces, no borders. */
export function renderTable<T>(columns: readonly Column<T>[], rows: readonly T[], wide = false): string {
  const shown = columns.filter((column) => wide || column.wide !== true)
  const table = new Table({
    head: shown.map((column) => column.heading),
    chars: noBorders,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  })
  for (const row of rows) table.push(shown.map((column) => printable(column.cell(row))))
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')
}

/** A cell on one line, without control characters: what a tenant named may be printed on an operator's terminal (CVE-2021-25743). */
export function printable(value: string | number | boolean | undefined | null): string {
  if (value === undefined || value === null || value === '') return '-'
  return String(value).replace(
    /[\p{Cc}\p{Cf}]/gu,
    (char) => `\\u${char.codePointAt(0)?.toString(16).padStart(4, '0')}`,
  )
}

/** How long ago, as kubectl says it: `12s`, `5m`, `3h`, `4d`. */
export function age(timestamp: string | undefined, nowMs: number): string {
  if (timestamp === undefined) return '-'
  const seconds = Math.max(0, Math.floor((nowMs - Date.parse(timestamp)) / 1000))
  if (seconds < 120) return `${seconds}s`
  if (seconds < 7200) return `${Math.floor(seconds / 60)}m`
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)}h`
  return `${Math.floor(seconds / 86_400)}d`
}
