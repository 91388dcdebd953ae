import type { Page, PageRequest } from '../../lib/page.ts'
import type { AuditItem, SessionInfo } from '../../protocol/schemas/operator.ts'
import type { Scope } from '../tenants/index.ts'

/** What operators read of sessions and audit. Everything throws IsthmusError unavailable. */
export interface ActivityStore {
  sessions(
    page: PageRequest,
    filter: { tenantId: string | undefined; nodeId: string | undefined; ended: boolean; scope: Scope },
  ): Promise<Page<SessionInfo>>
  session(id: string, scope: Scope): Promise<SessionInfo | undefined>
  /** Marks it killed; every replica cuts it. False when it is not there. Idempotent. */
  killSession(id: string, scope: Scope): Promise<boolean>
  /** Youngest first. */
  audit(page: PageRequest, filter: { tenantId: string | undefined; scope: Scope }): Promise<Page<AuditItem>>
}
