import type { Page, PageRequest } from '../../lib/page.ts'
import type { VirtualNode } from '../../protocol/schemas/operator.ts'
import type { LedgerRow } from '../quota/index.ts'
import type { Removal, RemovalMode, Scope, Versioned } from '../tenants/index.ts'

export interface NodeRow extends Versioned<Omit<VirtualNode, 'capacity'>> {
  tenantId: string
  clusterId: string
  capacity: LedgerRow[]
}

/** Virtual nodes. References are an id or `tenant/name`. Everything throws IsthmusError unavailable. */
export interface NodeStore {
  /** @throws already_exists; conflict when tenant or cluster is being removed */
  create(node: {
    name: string
    tenantId: string
    clusterId: string
    capacity: Record<string, string>
    hard: ReadonlyMap<string, bigint | 'unlimited'>
  }): Promise<NodeRow>
  get(reference: string, scope: Scope): Promise<NodeRow | undefined>
  list(
    page: PageRequest,
    filter: { tenantId: string | undefined; clusterId: string | undefined; scope: Scope },
  ): Promise<Page<NodeRow>>
  /** @throws precondition_failed */
  setCapacity(
    id: string,
    capacity: Record<string, string>,
    hard: ReadonlyMap<string, bigint | 'unlimited'>,
    revision: number | undefined,
  ): Promise<NodeRow>
  /** As TenantStore.remove. */
  remove(id: string, mode: RemovalMode, away: ReadonlySet<string>): Promise<Removal>
}

export {
  WRITER_LEASE_SECONDS,
  type WriterLeaseState,
  type WriterLeases,
} from './writer-lease.ts'
