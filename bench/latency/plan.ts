/** Operations that follow each other in a slice, each for the whole time, and the rates per second they come at. */
export interface PlannedRow {
  operations: string[]
  rates: number[]
}

/**
 * What is asked of both arms. A list of 500 pods costs an API server some 30 ms of CPU, and log and exec a
 * request to the kubelet: they come at rates that leave two cores idle most of the time.
 */
const plan: readonly PlannedRow[] = [
  { operations: ['GET pod'], rates: [50, 300] },
  { operations: ['LIST 500 pods'], rates: [4] },
  { operations: ['LIST 500 pods as Table'], rates: [4] },
  { operations: ['CREATE pod', 'DELETE pod'], rates: [50, 100] },
  { operations: ['log, first byte'], rates: [5] },
  { operations: ['exec true'], rates: [4] },
]

/** Names by which `--only` reaches what is not a row. */
export const WATCH = 'watch event'
export const OUT = 'exec, 200 MiB out'
export const IN = 'exec, 200 MiB in'

export const matches = (only: string | undefined, name: string): boolean =>
  only === undefined || name.toLowerCase().includes(only.toLowerCase())

/** The rows of which an operation's name contains `only`, whatever its case. */
export function plannedRows(only: string | undefined): PlannedRow[] {
  return plan.filter(({ operations }) => operations.some((name) => matches(only, name)))
}
