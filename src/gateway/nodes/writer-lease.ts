import type { Principal } from '../tokens/principal.ts'

/**
 * Long enough for an agent that renews every 4 s to miss two. A writer that is killed is replaced when it has run out:
 * 8 to 12 s, and a second for the next one to ask (measured with 15 s: 13.5 to 15.6 s).
 */
export const WRITER_LEASE_SECONDS = 12

export interface WriterLeaseState {
  instance: string
  epoch: number
  expiresAtMs: number
}

/**
 * Which replica of an agent writes (agent-rules.md 27). The epoch rises whenever the holder changes; the gateway
 * refuses writes of a lower one. Everything throws IsthmusError unavailable.
 */
export interface WriterLeases {
  /** Takes the lease when it is free, expired or already this instance's. @throws in_use while another holds it */
  acquire(principal: Principal, instance: string): Promise<WriterLeaseState>
  /** @throws stale_epoch once another has taken over, or the lease is gone */
  renew(principal: Principal, instance: string, epoch: number): Promise<WriterLeaseState>
  /** Idempotent. */
  release(principal: Principal, instance: string, epoch: number): Promise<void>
  /** The present holder of a node; undefined when there is none. */
  holder(tenantId: string, nodeId: string): Promise<WriterLeaseState | undefined>
}
