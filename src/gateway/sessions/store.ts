import type { SessionTarget } from './index.ts'

/** A row of the sessions table as the registry writes it. */
export interface SessionRow {
  id: string
  tenantId: string
  nodeId: string
  credentialId: string
  target: SessionTarget
  tokenExpiresAtMs: number
}

/** Where sessions lie. Everything throws IsthmusError unavailable. */
export interface SessionStore {
  /** A row in state `ticket`. @throws too_many_requests when the node has `limit` live ones */
  insertTicket(row: SessionRow, ticket: { jti: string; expiresAtMs: number }, limit: number): Promise<void>
  /** A row in state `open` of this replica. @throws too_many_requests when the node has `limit` live ones */
  insertOpen(row: SessionRow, replicaId: string, limit: number): Promise<void>
  /** Turns a ticket into an open session: exactly one caller gets the row, on whatever replica. */
  redeem(id: string, jti: string, replicaId: string): Promise<SessionRow | undefined>
  /** Adds to the counters of open sessions, all in one statement. */
  addBytes(counts: readonly { id: string; bytesIn: number; bytesOut: number }[]): Promise<void>
  /** Marks it ended, once. */
  end(id: string, outcome: string): Promise<void>
  /** Says that this replica lives, and ends the sessions of those that do not. */
  heartbeat(replicaId: string): Promise<void>
}
