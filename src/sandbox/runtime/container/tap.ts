import type { Readable, Writable } from 'node:stream'

/** A process' output stream, shared by its log and everybody attached. */
export interface Tap {
  /** Copies what comes from now on to `sink`; the function returned ends that. Ends `sink` with the source. */
  add(sink: Writable): () => void
}

/**
 * Reads `source` into `onChunk`, and into any sinks. The slowest sink sets the pace, so that an attached client that
 * does not read costs no memory; one that goes away lets the process go on.
 */
export function createTap(source: Readable, onChunk: (chunk: Buffer) => void): Tap {
  const sinks = new Set<Writable>()
  const blocked = new Set<Writable>()
  let ended = false

  const unblock = (sink: Writable) => {
    blocked.delete(sink)
    if (blocked.size === 0) source.resume()
  }
  source.on('data', (chunk: Buffer) => {
    onChunk(chunk)
    for (const sink of sinks) {
      if (sink.destroyed || sink.write(chunk)) continue
      blocked.add(sink)
      source.pause()
      sink.once('drain', () => unblock(sink))
    }
  })
  const finish = () => {
    if (ended) return
    ended = true
    for (const sink of sinks) sink.end()
    sinks.clear()
  }
  source.once('end', finish)
  source.once('close', finish)
  // a pipe that breaks ends the stream; the process' exit tells the rest
  source.on('error', finish)

  return {
    add(sink) {
      const remove = () => {
        sinks.delete(sink)
        unblock(sink)
      }
      if (ended) {
        sink.end()
        return () => {}
      }
      sinks.add(sink)
      sink.once('close', remove)
      return remove
    },
  }
}
