import type { ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import { IsthmusError } from '../../protocol/errors/index.ts'
import { dialRemoteCommand, exitCodeOf } from '../../protocol/streams/index.ts'
import type { GatewayClient } from '../gateway/client.ts'
import type { Target } from './target.ts'

/** As a kubelet's answer of a CRI ExecSync at most. */
const MAX_BYTES = 16 << 20
const IDLE_MS = 4 * 3600_000

/** Reads whole. @throws IsthmusError payload_too_large */
async function read(stream: Readable | null): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of stream ?? []) {
    chunks.push(chunk as Buffer)
    size += (chunk as Buffer).length
    if (size > MAX_BYTES) throw new IsthmusError('payload_too_large', 'the command’s output is over 16 MiB')
  }
  return Buffer.concat(chunks)
}

/**
 * Serves `/run/<namespace>/<pod>[/<uid>]/<container>?cmd=…`: runs a command to its end and answers what it wrote,
 * as kubelets do for old clients. `cmd` is split at blanks.
 * @throws IsthmusError bad_request without a command, internal when it fails
 */
export async function serveRun(
  gateway: GatewayClient,
  target: Target,
  command: string[],
  res: ServerResponse,
): Promise<void> {
  if (command.length === 0) throw new IsthmusError('bad_request', 'no command')
  const gone = new AbortController()
  res.on('close', () => gone.abort(new Error('the client has gone')))
  const streams = { stdin: false, stdout: true, stderr: true, tty: false }
  const leg = await dialRemoteCommand({
    dial: () =>
      gateway.openSession(
        { verb: 'exec', ...target, command, ...streams },
        { protocols: ['v5.channel.k8s.io'], signal: gone.signal },
      ),
    streams,
    idleTimeoutMs: IDLE_MS,
  })
  gone.signal.addEventListener('abort', () => leg.abort(gone.signal.reason as Error), { once: true })
  try {
    const [out, err, status] = await Promise.all([read(leg.stdout), read(leg.stderr), leg.status])
    const code = exitCodeOf(status)
    if (code !== 0) {
      const why = code === undefined ? (status.message ?? 'it failed') : `it ended with ${code}`
      throw new IsthmusError('internal', `the command did not succeed: ${why}`)
    }
    res.writeHead(200, { 'content-type': 'text/plain' }).end(Buffer.concat([out, err]))
  } catch (error) {
    leg.abort(error as Error)
    throw error
  }
}
