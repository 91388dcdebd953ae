import type { Readable } from 'node:stream'
import { Readable as ReadableStream } from 'node:stream'
import { IsthmusError } from '../../../protocol/errors/index.ts'
import type { PodLogRequest } from '../../ports.ts'
import type { ContainerRecord } from '../container/record.ts'
import { readLog } from '../logs/reader.ts'

/**
 * A container's log.
 * @throws IsthmusError bad_request, in a kubelet's words, while there is none.
 */
export function openLogs(request: PodLogRequest, record: ContainerRecord | undefined, now: number): Readable {
  const { container, previous, sinceSeconds, sinceTime, signal, pod } = request
  const name = pod.metadata?.name
  const instance = record?.instance
  if (!record || !instance) {
    const reason = record?.waiting?.reason ?? 'ContainerCreating'
    const text = `container "${container}" in pod "${name}" is waiting to start: ${reason}`
    throw new IsthmusError('bad_request', text)
  }
  // between two runs a kubelet's `previous` is the run before the one that has ended, or that one if it is alone
  const path = previous ? record.previousLog : instance.log.path
  if (!path) {
    const text = `previous terminated container "${container}" in pod "${name}" not found`
    throw new IsthmusError('bad_request', text)
  }
  if (request.tailLines === 0 && !request.follow) return ReadableStream.from([])
  const since =
    sinceSeconds !== undefined ? now - sinceSeconds * 1000 : sinceTime ? Date.parse(sinceTime) : undefined
  return readLog({
    path,
    writer: previous ? undefined : instance.log,
    follow: request.follow,
    timestamps: request.timestamps,
    tailLines: request.tailLines,
    since,
    limitBytes: request.limitBytes,
    stream: request.stream,
    signal,
  })
}
