import type { Duplex } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { WebSocket } from 'ws'
import { acceptPortForward, type LegOptions, webSocketDuplex } from '../../protocol/streams/index.ts'
import type { OpenSession } from '../sessions/index.ts'
import { closeReason } from './close-reason.ts'
import type { ClientLeg } from './leg.ts'

export interface PortForwardPump {
  leg: ClientLeg
  session: OpenSession
  /** Opens the tunnel to the data plane (`SPDY/3.1+portforward.k8s.io`). */
  dial(): Promise<WebSocket>
  options?: LegOptions
}

/**
 * A port-forward from end to end: SPDY bytes that nobody in between needs to understand (rule 22). Returns the
 * outcome for the session's record.
 * @throws what `dial` throws, before the client's upgrade is answered; StreamError when the client's fails
 */
export async function pumpPortForward({ leg, session, dial, options }: PortForwardPump): Promise<string> {
  const far = webSocketDuplex(await dial(), options)
  let near: Duplex
  try {
    near = (await acceptPortForward({ ...leg, ...options })).tunnel
  } catch (error) {
    far.destroy(closeReason(error))
    throw error
  }
  const cut = () => {
    const reason = closeReason(session.signal.reason)
    near.destroy(reason)
    far.destroy(reason)
  }
  session.signal.addEventListener('abort', cut, { once: true })
  if (session.signal.aborted) cut()
  try {
    const there = counted(near, far, (bytes) => session.touch(bytes, 0))
    const back = counted(far, near, (bytes) => session.touch(0, bytes))
    // A tunnel has no half-close of its own: whichever side ends, the other is of no more use.
    await Promise.race([there, back])
    return session.signal.aborted ? 'cut-off' : 'completed'
  } catch {
    return session.signal.aborted ? 'cut-off' : 'broken'
  } finally {
    session.signal.removeEventListener('abort', cut)
    near.destroy()
    far.destroy()
  }
}

function counted(from: Duplex, to: Duplex, count: (bytes: number) => void): Promise<void> {
  from.on('data', (chunk: Buffer) => count(chunk.length))
  const done = pipeline(from, to)
  done.catch(() => {}) // the one that loses the race fails with its partner
  return done
}
