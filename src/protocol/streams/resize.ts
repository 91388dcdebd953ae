import type { TerminalSize } from './remote-command.ts'

const MAX_PENDING = 4096
const MAX_SIZE = 65_535

/**
 * Reads a resize channel: JSON objects `{"Width":w,"Height":h}` one after the other, cut anywhere. As the kubelet
 * does, the first thing that is not such an object ends resizing and nothing else.
 */
export interface ResizeReader {
  write(bytes: Buffer): void
  listen(listener: (size: TerminalSize) => void): void
}

export function createResizeReader(): ResizeReader {
  let pending = ''
  let broken = false
  let last: TerminalSize | undefined
  let notify: ((size: TerminalSize) => void) | undefined
  const take = (text: string) => {
    const size = parseSize(text)
    if (!size) {
      broken = true
      return
    }
    last = size
    notify?.(size)
  }
  return {
    write(bytes) {
      if (broken) return
      pending += bytes.toString('latin1')
      for (let end = pending.indexOf('}'); end >= 0 && !broken; end = pending.indexOf('}')) {
        take(pending.slice(0, end + 1))
        pending = pending.slice(end + 1)
      }
      if (pending.length > MAX_PENDING) broken = true
      if (broken) pending = ''
    },
    listen(listener) {
      notify = listener
      if (last) listener(last)
    },
  }
}

/** The message that tells a size; `json.NewEncoder` of Kubernetes ends it with a newline. */
export function encodeResize(size: TerminalSize): Buffer {
  return Buffer.from(`${JSON.stringify({ Width: size.width, Height: size.height })}\n`)
}

function parseSize(text: string): TerminalSize | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  const { Width: width, Height: height } = value as Record<string, unknown>
  return isSize(width) && isSize(height) ? { width, height } : undefined
}

function isSize(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= MAX_SIZE
}
