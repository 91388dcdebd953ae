import type { Principal } from '../tokens/principal.ts'

/** Long enough for an agent that renews every 5 s to miss two; takeover stays well under the node's 40 s lease. */
export const WRITER_LEASE_SECONDS = 15

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
