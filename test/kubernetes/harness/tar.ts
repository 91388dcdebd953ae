const BLOCK = 512

/** One entry of an archive. */
export type TarEntry =
  | { path: string; type: 'file'; content: Buffer; mode?: number }
  | { path: string; type: 'directory'; mode?: number }
  | { path: string; type: 'link'; target: string }

/** Writes a ustar archive with all times 0, so that the same entries always give the same bytes (and image ids). Paths up to 100 bytes. */
export function writeTar(entries: readonly TarEntry[]): Buffer {
  const blocks: Buffer[] = []
  for (const entry of entries) {
    const content = entry.type === 'file' ? entry.content : Buffer.alloc(0)
    blocks.push(header(entry, content.length), content)
    const rest = content.length % BLOCK
    if (rest > 0) blocks.push(Buffer.alloc(BLOCK - rest))
  }
  blocks.push(Buffer.alloc(BLOCK * 2))
  return Buffer.concat(blocks)
}

const FLAGS = { file: '0', link: '2', directory: '5' } as const

function header(entry: TarEntry, size: number): Buffer {
  const block = Buffer.alloc(BLOCK)
  const path = entry.type === 'directory' ? `${entry.path}/` : entry.path
  if (Buffer.byteLength(path) > 100) throw new Error(`path too long for ustar: ${path}`)
  const mode = entry.type === 'link' ? 0o777 : (entry.mode ?? (entry.type === 'file' ? 0o644 : 0o755))
  block.write(path, 0)
  block.write(octal(mode, 7), 100)
  block.write(octal(0, 7), 108)
  block.write(octal(0, 7), 116)
  block.write(octal(size, 11), 124)
  block.write(octal(0, 11), 136)
  block.write(FLAGS[entry.type], 156)
  if (entry.type === 'link') block.write(entry.target, 157)
  block.write('ustar\x0000', 257)
  block.fill(' ', 148, 156)
  block.write(
    `${octal(
      block.reduce((sum, byte) => sum + byte, 0),
      6,
    )}\0 `,
    148,
  )
  return block
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, '0')
}
