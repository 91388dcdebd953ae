import { type ClientHttp2Stream, constants } from 'node:http2'
import { Readable } from 'node:stream'
import { KubeUnreachableError } from './types.ts'

/**
 * A stream's bytes as a body that tells an end from a break: Node ends a stream whose connection is lost or that
 * was reset as if the server had ended it, so that half an answer looks like a whole one.
 */
export function bodyOf(stream: ClientHttp2Stream): Readable {
  const body = new Readable({
    read: () => stream.resume(),
    destroy(error, callback) {
      if (!stream.closed) stream.close(constants.NGHTTP2_CANCEL)
      callback(error)
    },
  })
  body.on('error', () => {}) // whoever reads it meets the error; one that nobody reads yet must not end the process
  stream.on('data', (chunk: Buffer) => {
    if (!body.push(chunk)) stream.pause()
  })
  stream.on('error', (error) => body.destroy(error))
  stream.once('end', () => {
    if (stream.rstCode === constants.NGHTTP2_NO_ERROR && !stream.destroyed) body.push(null)
    else body.destroy(new KubeUnreachableError('the stream was cut off', undefined))
  })
  stream.once('close', () => {
    if (!body.readableEnded && stream.rstCode !== constants.NGHTTP2_NO_ERROR) {
      body.destroy(new KubeUnreachableError('the stream was cut off', undefined))
    }
  })
  return body
}
