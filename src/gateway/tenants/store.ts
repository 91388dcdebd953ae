import type { Page, PageRequest } from '../../lib/page.ts'
import type { Tenant, TenantUpdate } from '../../protocol/schemas/operator.ts'
import type { Amounts } from '../quota/index.ts'

/** The tenant whose administrator asks; undefined for operators who may see all. */
export type Scope = string | undefined

/** An object with its revision, which is its ETag. */
export interface Versioned<T> {
  value: T
  revision: number
}

export type TenantRow = Versioned<Tenant>

/**
 * Tenants. References are an id or a name. A missing object and one outside the scope are the same.
 * Everything throws IsthmusError unavailable; `update` and `remove` precondition_failed for another revision.
 */
export interface TenantStore {
  /** @throws already_exists */
  create(tenant: {
    name: string
    displayName: string
    otherResources: 'refuse' | 'unlimited'
    hard: ReadonlyMap<string, bigint | 'unlimited'>
  }): Promise<TenantRow>
  get(reference: string, scope: Scope): Promise<TenantRow | undefined>
  list(page: PageRequest, scope: Scope): Promise<Page<Tenant>>
  update(id: string, change: TenantUpdate, revision: number | undefined): Promise<TenantRow>
  /** Removes it at once when it has no nodes, else marks its nodes and itself. @throws in_use when pods are carried and no mode is given */
  remove(id: string, mode: 'drain' | 'force' | undefined): Promise<'removed' | 'removing'>
}

export type { Amounts }
