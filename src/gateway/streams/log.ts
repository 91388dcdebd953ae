import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { LOG_STREAM_PROTOCOL } from '../../protocol/schemas/agent.ts'
import {
  defaultStreamLimits,
  type LegOptions,
  upgradeWebSocket,
  webSocketDuplex,
} from '../../protocol/streams/index.ts'
import type { OpenSession } from '../sessions/index.ts'
import { closeReason } from './close-reason.ts'
import type { ClientLeg } from './leg.ts'

export interface LogPump {
  leg: ClientLeg
  session: OpenSession
  /** Opens the log at the data plane; its bytes. */
  open(): Promise<Readable>
  options?: LegOptions
}

/**
 * A log on a session's WebSocket: binary messages of the log's bytes, as fast as they are read. Returns the
 * outcome for the session's record.
 * @throws what `open` throws, before the client's upgrade is answered; StreamError when the client's fails
 */
export async function pumpLog({ leg, session, open, options }: LogPump): Promise<string> {
  const body = await open()
  try {
    const limits = { ...defaultStreamLimits, ...options?.limits }
    const ws = await upgradeWebSocket({ ...leg, protocol: LOG_STREAM_PROTOCOL, limits })
    const near = webSocketDuplex(ws, options)
    near.resume() // a log has nothing to hear; reading sees the client's goodbye
    const cut = () => near.destroy(closeReason(session.signal.reason))
    session.signal.addEventListener('abort', cut, { once: true })
    if (session.signal.aborted) cut()
    body.on('data', (chunk: Buffer) => session.touch(0, chunk.length))
    await pipeline(body, near)
    return 'completed'
  } catch (error) {
    body.destroy()
    if (session.signal.aborted) return 'cut-off'
    throw error
  }
}
