import { IsthmusError } from '../../protocol/errors/index.ts'

/** The row that an update with a revision hit. @throws precondition_failed when it hit none: another was faster, or it is gone */
export function changed<Row>(rows: readonly Row[]): Row {
  const [row] = rows
  if (row) return row
  throw new IsthmusError('precondition_failed', 'It was changed or removed meanwhile.')
}
