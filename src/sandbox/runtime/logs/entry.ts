import type { LogStream } from './writer.ts'

/** One line of a log file, as it is stored. */
export interface LogEntry {
  timestamp: string
  stream: LogStream
  /** True for a part of a longer line: nothing ends it. */
  partial: boolean
  content: Buffer
}

const SPACE = 0x20

/** Reads one stored line (without its newline); undefined for what is not one. */
export function parseEntry(line: Buffer): LogEntry | undefined {
  const first = line.indexOf(SPACE)
  const second = line.indexOf(SPACE, first + 1)
  const third = line.indexOf(SPACE, second + 1)
  if (first <= 0 || second === -1 || third === -1) return undefined
  const stream = line.toString('latin1', first + 1, second)
  if (stream !== 'stdout' && stream !== 'stderr') return undefined
  return {
    timestamp: line.toString('latin1', 0, first),
    stream,
    partial: line[second + 1] === 0x50,
    content: line.subarray(third + 1),
  }
}
