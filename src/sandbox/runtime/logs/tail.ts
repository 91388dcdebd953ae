import type { FileHandle } from 'node:fs/promises'

const BLOCK = 64 * 1024

/** The offset in a file at which its last `lines` lines begin; read backwards in blocks, so that a long log costs no more than its tail. */
export async function tailOffset(file: FileHandle, lines: number): Promise<number> {
  const { size } = await file.stat()
  if (lines === 0) return size
  let newlines = 0
  let end = size
  const block = Buffer.alloc(BLOCK)
  while (end > 0) {
    const start = Math.max(0, end - BLOCK)
    const { bytesRead } = await file.read(block, 0, end - start, start)
    for (let index = bytesRead - 1; index >= 0; index--) {
      if (block[index] !== 10) continue
      // the newline that ends the last line does not begin one
      if (++newlines > lines) return start + index + 1
    }
    end = start
  }
  return 0
}
