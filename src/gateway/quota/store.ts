import type { Scope } from '../tenants/index.ts'
import type { LedgerRow } from './index.ts'

/** The rows of one tenant, and of all, as operators see and set them. */
export interface QuotaStore {
  /** Undefined for a tenant that is not there. */
  get(tenantId: string): Promise<{ rows: LedgerRow[]; revision: number } | undefined>
  /**
   * Sets hard limits; null takes one away. `replace` takes away all that are not named. May leave the tenant
   * over-committed. @throws precondition_failed, not_found
   */
  set(
    tenantId: string,
    hard: ReadonlyMap<string, bigint | 'unlimited' | null>,
    options: { replace: boolean; revision: number | undefined },
  ): Promise<void>
  /** Rows of tenants, page by page of (tenant, resource). */
  usage(
    page: { limit: number; after: string | undefined },
    filter: { tenantId: string | undefined; scope: Scope },
  ): Promise<{ items: { tenant: string; row: LedgerRow }[]; next: string | undefined }>
  /** What an agent sees: its tenant's rows and its node's. */
  ofNode(tenantId: string, nodeId: string): Promise<LedgerRow[]>
}
