import { type FileHandle, open } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { type LogEntry, parseEntry } from './entry.ts'
import { tailOffset } from './tail.ts'
import type { LogWriter } from './writer.ts'

const BLOCK = 64 * 1024

export interface ReadLogOptions {
  path: string
  /** The writer while the container runs: what `follow` waits for. */
  writer?: LogWriter
  follow?: boolean
  timestamps?: boolean
  /** Stored lines from the end; 0 is none. All when absent. */
  tailLines?: number
  /** Milliseconds since the epoch; earlier lines are left out. */
  since?: number
  /** The answer is cut after this many bytes. */
  limitBytes?: number
  stream?: 'All' | 'Stdout' | 'Stderr'
  signal?: AbortSignal
}

const newline = Buffer.from('\n')

function wanted(entry: LogEntry, options: ReadLogOptions): boolean {
  if (options.stream === 'Stdout' && entry.stream !== 'stdout') return false
  if (options.stream === 'Stderr' && entry.stream !== 'stderr') return false
  return options.since === undefined || Date.parse(entry.timestamp) >= options.since
}

function render(entry: LogEntry, timestamps: boolean): Buffer {
  const parts = [entry.content]
  if (timestamps) parts.unshift(Buffer.from(`${entry.timestamp} `))
  if (!entry.partial) parts.push(newline)
  return Buffer.concat(parts)
}

/** Tells whether the log grew or ended since it was last asked, and waits for that. */
function watchChanges(writer: LogWriter | undefined, signal: AbortSignal | undefined) {
  let changed = false
  let wake = () => {}
  const onChange = () => {
    changed = true
    wake()
  }
  const stop = writer?.onChange(onChange)
  signal?.addEventListener('abort', onChange)
  return {
    reset() {
      changed = false
    },
    async wait() {
      if (changed || signal?.aborted) return
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    },
    end() {
      stop?.()
      signal?.removeEventListener('abort', onChange)
    },
  }
}

/** The file of a log that may be put aside while it is read. */
interface LogFile {
  handle: FileHandle
  /** The writer's count of rotations when it was opened. */
  rotations: number
}

async function openFile(options: ReadLogOptions): Promise<LogFile> {
  // counted before: a rotation in between is then seen, and the file looked for once more
  const rotations = options.writer?.rotations ?? 0
  return { handle: await open(options.path, 'r'), rotations }
}

/** Whole blocks of lines; the rest of an unfinished one is kept for the next block. */
async function* blocks(
  file: LogFile,
  offset: number,
  options: ReadLogOptions,
  changes: ReturnType<typeof watchChanges>,
): AsyncGenerator<Buffer[]> {
  const { writer, signal } = options
  let position = offset
  let rest = Buffer.alloc(0)
  while (!signal?.aborted) {
    // all are asked before the read: what is written after a read that found the end would be lost otherwise
    const over = !options.follow || !writer || writer.closed
    const moved = options.follow && writer !== undefined && writer.rotations !== file.rotations
    changes.reset()
    const block = Buffer.alloc(BLOCK)
    const { bytesRead } = await file.handle.read(block, 0, BLOCK, position)
    if (bytesRead === 0) {
      if (moved) {
        const next = await openFile(options)
        await file.handle.close()
        Object.assign(file, next)
        position = 0
        continue
      }
      if (over) return
      await changes.wait()
      continue
    }
    position += bytesRead
    const all = Buffer.concat([rest, block.subarray(0, bytesRead)])
    const lines: Buffer[] = []
    let start = 0
    for (let end = all.indexOf(10); end !== -1; end = all.indexOf(10, start)) {
      lines.push(all.subarray(start, end))
      start = end + 1
    }
    rest = all.subarray(start)
    if (lines.length > 0) yield lines
  }
}

async function* read(options: ReadLogOptions): AsyncGenerator<Buffer> {
  const file = await openFile(options)
  const changes = watchChanges(options.follow ? options.writer : undefined, options.signal)
  let left = options.limitBytes ?? Number.POSITIVE_INFINITY
  try {
    const offset = options.tailLines === undefined ? 0 : await tailOffset(file.handle, options.tailLines)
    for await (const lines of blocks(file, offset, options, changes)) {
      const entries = lines.map(parseEntry).filter((entry) => entry !== undefined)
      const parts = entries.filter((entry) => wanted(entry, options))
      const text = Buffer.concat(parts.map((entry) => render(entry, options.timestamps ?? false)))
      if (text.length > 0) yield text.subarray(0, left)
      left -= text.length
      if (left <= 0) return
    }
  } finally {
    changes.end()
    await file.handle.close()
  }
}

/**
 * A container's log as `pods/log` answers it. Followed, it ends with the container instance or with `signal`; a reader
 * that is slower than the container holds nothing but its place in the file.
 */
export function readLog(options: ReadLogOptions): Readable {
  if (options.limitBytes === 0) return Readable.from([])
  return Readable.from(read(options), { objectMode: false })
}
