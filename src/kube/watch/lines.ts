import { KubeUnreachableError } from '../client/types.ts'

const NEWLINE = 0x0a

/**
 * Cuts a byte stream into lines, wherever its chunks are cut; empty lines are left out. Pulled, so that a slow
 * reader holds the sender back.
 * @throws KubeUnreachableError for a line longer than `maxBytes`, or one that the end of the stream cuts short
 */
export async function* splitLines(source: AsyncIterable<Buffer>, maxBytes: number): AsyncGenerator<Buffer> {
  let parts: Buffer[] = []
  let size = 0
  for await (const chunk of source) {
    let start = 0
    for (;;) {
      const end = chunk.indexOf(NEWLINE, start)
      const piece = chunk.subarray(start, end === -1 ? undefined : end)
      if (piece.length > 0) {
        parts.push(piece)
        size += piece.length
        if (size > maxBytes)
          throw new KubeUnreachableError(`an event is larger than ${maxBytes} bytes`, undefined)
      }
      if (end === -1) break
      if (size > 0) yield parts.length === 1 ? parts[0]! : Buffer.concat(parts, size)
      parts = []
      size = 0
      start = end + 1
    }
  }
  if (size > 0) throw new KubeUnreachableError('the watch ended in the middle of an event', undefined)
}
