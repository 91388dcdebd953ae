import { isKubeApiError } from '../../kube/index.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Logger } from '../../lib/logger.ts'
import { isIsthmusError } from '../../protocol/errors/index.ts'
import { AGENT_PROTOCOL_VERSIONS, type Self } from '../../protocol/schemas/agent.ts'
import type { GatewayClient } from '../gateway/client.ts'

/** How the agent stands with the gateway and, by the gateway's word, with the data plane. */
export interface Connection {
  connected: boolean
  /** CamelCase, for the Node's condition. */
  reason:
    | 'Connected'
    | 'NotYet'
    | 'GatewayUnreachable'
    | 'CredentialRefused'
    | 'TenantSuspended'
    | 'DataPlaneDown'
  message: string
}

export interface SelfWatchOptions {
  gateway: Pick<GatewayClient, 'self'>
  clock: Clock
  logger: Logger
  signal: AbortSignal
  /** A refused token is asked for anew. */
  refreshToken(): void
  /** Called whenever what is known of the gateway, or the way to it, changed. */
  onChange(): void
}

export interface SelfWatch {
  /** The last answer; undefined before the first. */
  current(): Self | undefined
  connection(): Connection
  run(): Promise<void>
}

/** Seconds that the gateway may hold the answer back: so long an outage can go unseen, with the timeout's 5 more. */
const WAIT_SECONDS = 8
const RETRY_MS = 1_000
/** A gateway that restarts behind a load balancer is not an outage yet. */
const GRACE_MS = 6_000

function describe(error: unknown): Pick<Connection, 'reason' | 'message'> {
  if (isIsthmusError(error, 'unauthenticated') || isKubeApiError(error, 401)) {
    return { reason: 'CredentialRefused', message: (error as Error).message }
  }
  if (isKubeApiError(error, 403)) return { reason: 'TenantSuspended', message: error.message }
  return { reason: 'GatewayUnreachable', message: error instanceof Error ? error.message : String(error) }
}

function ofSelf(self: Self): Connection {
  if (self.tenant.suspended) {
    return { connected: false, reason: 'TenantSuspended', message: 'The operator has suspended the tenant.' }
  }
  if (!self.cluster.reachable) {
    return {
      connected: false,
      reason: 'DataPlaneDown',
      message: 'The gateway does not reach the data plane.',
    }
  }
  return { connected: true, reason: 'Connected', message: 'The gateway answers.' }
}

/** Long-polls `/v1/self`, for ever. */
export function createSelfWatch(options: SelfWatchOptions): SelfWatch {
  const { gateway, clock, logger, signal } = options
  let self: Self | undefined
  let etag: string | undefined
  let failingSince: number | undefined
  let connection: Connection = {
    connected: false,
    reason: 'NotYet',
    message: 'The gateway has not answered yet.',
  }

  function become(next: Connection): void {
    const { reason } = connection
    connection = next
    if (reason === next.reason) return
    logger.info({ reason: next.reason, detail: next.message }, 'the connection to the gateway changed')
    options.onChange()
  }

  async function poll(): Promise<void> {
    const answer = await gateway.self({ etag, waitSeconds: WAIT_SECONDS, signal })
    failingSince = undefined
    if (answer) {
      const theirs = answer.self.protocolVersions
      if (!theirs.some((version) => AGENT_PROTOCOL_VERSIONS.includes(version))) {
        const message = `the gateway speaks versions ${theirs.join(', ')} of the agent face, this agent ${AGENT_PROTOCOL_VERSIONS.join(', ')}`
        become({ connected: false, reason: 'GatewayUnreachable', message })
        await clock.sleep(30_000, signal)
        return
      }
      self = answer.self
      etag = answer.etag
      become(ofSelf(self))
      options.onChange()
      // Without an ETag nothing holds the answer back.
      if (!etag) await clock.sleep(WAIT_SECONDS * 1000, signal)
    } else if (self) become(ofSelf(self))
  }

  return {
    current: () => self,
    connection: () => connection,
    async run() {
      while (!signal.aborted) {
        try {
          await poll()
        } catch (error) {
          if (signal.aborted) return
          const { reason, message } = describe(error)
          if (reason === 'CredentialRefused') options.refreshToken()
          failingSince ??= clock.elapsed()
          logger.debug({ err: error, reason }, 'the gateway did not answer')
          // A refusal is an answer and counts the second time, after a new token; silence counts after a grace.
          const silence = clock.elapsed() - failingSince
          if (silence >= (reason === 'GatewayUnreachable' ? GRACE_MS : RETRY_MS)) {
            become({ connected: false, reason, message })
          }
          await clock.sleep(RETRY_MS, signal).catch(() => {})
        }
      }
    },
  }
}
