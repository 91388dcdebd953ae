import { closeSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'

/** A line longer than this is written in parts, as container runtimes do. */
const LINE_LIMIT = 16 * 1024

export type LogStream = 'stdout' | 'stderr'

/** The log of one container instance, as it is being written. */
export interface LogWriter {
  readonly path: string
  /** True once nothing more comes. */
  readonly closed: boolean
  /** How often the file has been put aside for a new one: a reader at its end goes on in the new one. */
  readonly rotations: number
  write(stream: LogStream, chunk: Buffer): void
  /** Writes what has no newline yet and closes the file. Idempotent. */
  end(): void
  /** Calls `listener` after each write and at the end; the function returned stops that. */
  onChange(listener: () => void): () => void
}

let last = 0

/** RFC 3339 with nanoseconds, of which a process can tell the microseconds; never runs backwards within a process. */
export function logTimestamp(): string {
  last = Math.max(last, Date.now() * 1000 + Math.floor((performance.now() % 1) * 1000))
  const millis = Math.floor(last / 1000)
  const rest = String(last - millis * 1000).padStart(3, '0')
  return `${new Date(millis).toISOString().slice(0, -1)}${rest}000Z`
}

/** A kubelet's containerLogMaxSize. */
const MAX_BYTES = 10 * 1024 * 1024

/** Where a log goes on from when it has grown too long; a kubelet's `logs` shows the current file alone, and so do we. */
export const rotatedPath = (path: string) => `${path}.1`

export interface LogWriterOptions {
  /** The file is put aside when it would grow beyond this. */
  maxBytes?: number
  /** The disk took no more: told once; what comes after is dropped, and the container goes on. */
  onError(error: Error): void
}

/**
 * Opens a log in the CRI's format: `<timestamp> stdout F <line>`, `P` for a part of a line. Written synchronously, so
 * that a process that writes faster than the disk waits for it, and so that a reader sees each line as soon as
 * it is there.
 */
export function openLogWriter(path: string, options: LogWriterOptions): LogWriter {
  const { maxBytes = MAX_BYTES } = options
  mkdirSync(dirname(path), { recursive: true })
  let file = openSync(path, 'a')
  let size = 0
  let rotations = 0
  let failed = false
  const rest: Record<LogStream, Buffer> = { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) }
  const listeners = new Set<() => void>()
  let closed = false

  const entries = (stream: LogStream, final: boolean): Buffer[] => {
    const out: Buffer[] = []
    const head = `${logTimestamp()} ${stream}`
    const put = (tag: 'F' | 'P', line: Buffer) => out.push(Buffer.from(`${head} ${tag} `), line, newline)
    let buffer = rest[stream]
    for (;;) {
      const end = buffer.indexOf(10)
      if (end !== -1 && end <= LINE_LIMIT) {
        put('F', buffer.subarray(0, end))
        buffer = buffer.subarray(end + 1)
      } else if (buffer.length > LINE_LIMIT) {
        put('P', buffer.subarray(0, LINE_LIMIT))
        buffer = buffer.subarray(LINE_LIMIT)
      } else break
    }
    if (final && buffer.length > 0) put('P', buffer)
    rest[stream] = final ? Buffer.alloc(0) : buffer
    return out
  }

  const rotate = () => {
    closeSync(file)
    renameSync(path, rotatedPath(path))
    file = openSync(path, 'a')
    size = 0
    rotations++
  }
  const append = (buffers: Buffer[]) => {
    const all = Buffer.concat(buffers)
    if (failed) return
    try {
      if (size > 0 && size + all.length > maxBytes) rotate()
      for (let done = 0; done < all.length; ) done += writeSync(file, all, done)
      size += all.length
    } catch (error) {
      failed = true
      options.onError(error as Error)
    }
  }
  const changed = () => {
    for (const listener of [...listeners]) listener()
  }

  return {
    path,
    get closed() {
      return closed
    },
    get rotations() {
      return rotations
    },
    write(stream, chunk) {
      if (closed) return
      rest[stream] = rest[stream].length === 0 ? chunk : Buffer.concat([rest[stream], chunk])
      const found = entries(stream, false)
      if (found.length === 0) return
      append(found)
      changed()
    },
    end() {
      if (closed) return
      append([...entries('stdout', true), ...entries('stderr', true)])
      closed = true
      closeSync(file)
      changed()
      listeners.clear()
    },
    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}

const newline = Buffer.from('\n')
