import type { WebSocket } from 'ws'
import {
  acceptRemoteCommand,
  type CommandStreams,
  dialRemoteCommand,
  type LegOptions,
  pumpRemoteCommand,
  type RemoteCommandServer,
  StreamError,
  type V1StatusLike,
} from '../../protocol/streams/index.ts'
import type { OpenSession } from '../sessions/index.ts'
import { closeReason, closeSignal } from './close-reason.ts'
import type { ClientLeg } from './leg.ts'

export interface CommandPump {
  leg: ClientLeg
  session: OpenSession
  streams: CommandStreams
  /** Opens the WebSocket to the data plane. Called first: a refusal is the client's HTTP answer. */
  dial(): Promise<WebSocket>
  /** What a text of the data plane's is made into before the client is told (rule 20). */
  clean(text: string): string
  options?: LegOptions
}

/**
 * Joins a client's exec or attach with the data plane's until either ends, with back-pressure both ways and a cap
 * on what is held. Returns the outcome for the session's record.
 * @throws what `dial` throws, before the client's upgrade is answered; StreamError when the client's fails
 */
export async function pumpCommand(pump: CommandPump): Promise<string> {
  const { leg, session, streams, dial, clean, options } = pump
  const server = await dialRemoteCommand({ dial, streams, ...options })
  try {
    const client = await acceptRemoteCommand({ ...leg, streams, ...options })
    const status = await pumpRemoteCommand(client, withCleanStatus(server, clean), {
      signal: closeSignal(session.signal),
      onBytes: (direction, bytes) => (direction === 'in' ? session.touch(bytes, 0) : session.touch(0, bytes)),
    })
    if (session.signal.aborted) return 'cut-off'
    if (status.status === 'Success' || status.reason === 'NonZeroExitCode') return 'completed'
    return isGone(client.closed) ? 'client-gone' : 'failed'
  } catch (error) {
    server.abort(closeReason(error))
    throw error
  }
}

function isGone(closed: AbortSignal): boolean {
  return closed.reason instanceof StreamError && closed.reason.end === 'gone'
}

function withCleanStatus(server: RemoteCommandServer, clean: (text: string) => string): RemoteCommandServer {
  const status = server.status.then((told): V1StatusLike => {
    return told.message === undefined ? told : { ...told, message: clean(told.message) }
  })
  return { ...server, status, stdin: server.stdin, stdout: server.stdout, stderr: server.stderr }
}
