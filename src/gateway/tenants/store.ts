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

export type RemovalMode = 'drain' | 'force' | undefined

/** How far a removal has come. */
export interface Removal {
  /** `removing`: it goes on in the background. */
  state: 'removed' | 'removing'
  /** What is still in data planes that could not be reached; their namespaces are deleted when they answer again. */
  left: LeftBehind[]
}

/** What a node left in its data plane. */
export interface LeftBehind {
  /** `tenant/node` */
  node: string
  cluster: string
  /** Names in the data plane. */
  namespaces: string[]
  /** Pods that quota was charged for. */
  pods: number
}

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
  /**
   * Removes it at once when it has no nodes, else marks its nodes and itself; the reconciler goes on. By force, what is
   * on a data plane of `away` is given up instead: gone from the directory, and told in `left`.
   * @throws in_use when pods are carried and no mode is given
   */
  remove(id: string, mode: RemovalMode, away: ReadonlySet<string>): Promise<Removal>
}

export type { Amounts }
