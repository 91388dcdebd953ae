import { IsthmusError } from '../../../../protocol/errors/index.ts'

const NEWLINE = 0x0a
/** Objects are at most 1.5 MiB in etcd; as JSON with escapes some times that. */
const MAX_LINE_BYTES = 16 * 1024 * 1024

/** Cuts a watch into its lines, wherever the chunks are cut; pulled, so that a slow client holds the sender back. */
export async function* readLines(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let parts: Buffer[] = []
  let size = 0
  for await (const chunk of source) {
    let start = 0
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      const line = Buffer.concat([...parts, chunk.subarray(start, end)])
      if (line.length > 0) yield line
      parts = []
      size = 0
      start = end + 1
    }
    parts.push(chunk.subarray(start))
    size += chunk.length - start
    if (size > MAX_LINE_BYTES)
      throw new IsthmusError('bad_gateway', 'The data plane sent an event that is too large')
  }
  // What is left is half an event: the connection was cut.
  if (size > 0) throw new IsthmusError('bad_gateway', 'The data plane ended a watch within an event')
}
