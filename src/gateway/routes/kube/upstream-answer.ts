import { type ApiResponse, KubeApiError } from '../../../kube/client/types.ts'
import type { Status } from '../../../protocol/errors/index.ts'
import { isRecord } from '../../kubernetes/objects.ts'

/** A Status with many causes fits. */
const MAX_BYTES = 1024 * 1024

/** Reads the Status of an answer that was asked for as a stream and refused. */
export async function refusedAnswer(answer: ApiResponse): Promise<KubeApiError> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of answer.body as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > MAX_BYTES) break
    chunks.push(chunk)
  }
  answer.body.destroy()
  const retry = Number(answer.headers['retry-after'])
  return new KubeApiError(
    answer.status,
    statusOf(Buffer.concat(chunks), answer.status),
    Number.isFinite(retry) ? retry : undefined,
  )
}

function statusOf(body: Buffer, code: number): Status {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'))
    if (isRecord(value) && value.kind === 'Status') return value as unknown as Status
  } catch {
    // Not a Status: whatever stands before the API server has answered, and only the code says something.
  }
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', code }
}
