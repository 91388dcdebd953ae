/** One line of the audit log: who did what to which object and how it ended. */
export interface AuditEntry {
  requestId: string
  /** `node:<id>` of a tenant's principal, `operator:<id>`, or `system`. */
  actor: string
  tenantId?: string
  nodeId?: string
  verb: string
  resource: string
  namespace?: string
  name?: string
  /** HTTP status or a session's outcome. */
  outcome: string
}

export interface AuditLog {
  /** Never throws and never delays the reply: entries are written in batches, kept (bounded) while Postgres is away, and dropped ones are counted. */
  record(entry: AuditEntry): void
}

export { type AuditStore, type BatchedAuditLog, makeAuditLog } from './batched.ts'
