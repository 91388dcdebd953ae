import type { Page, PageRequest } from '../../lib/page.ts'
import type { Operator } from '../../protocol/schemas/operator.ts'
import type { Versioned } from '../tenants/index.ts'

/** Who speaks on the operator face. */
export interface OperatorPrincipal {
  id: string
  name: string
  role: 'admin' | 'viewer' | 'tenant-admin'
  /** Of a tenant-admin: all that exists for it. */
  tenantId: string | undefined
}

export interface OperatorStore {
  /** The operator whose token has this hash and has not expired. @throws unavailable */
  byTokenHash(hash: Uint8Array): Promise<OperatorPrincipal | undefined>
  /** @throws already_exists */
  create(operator: {
    name: string
    role: OperatorPrincipal['role']
    tenantId: string | undefined
    tokenHash: Uint8Array
    expiresInSeconds: number | undefined
  }): Promise<Operator>
  /** The first admin; undefined when there is any operator already. */
  createFirst(name: string, tokenHash: Uint8Array): Promise<Operator | undefined>
  get(reference: string): Promise<Versioned<Operator> | undefined>
  /**
   * What is undefined stays, but for the tenant, which goes with the role.
   * @throws precondition_failed, already_exists; in_use for the last admin that would be none
   */
  update(
    id: string,
    change: {
      name: string | undefined
      role: OperatorPrincipal['role'] | undefined
      tenantId: string | undefined
      /** From now; null: for ever. */
      expiresInSeconds: number | null | undefined
    },
    revision: number | undefined,
  ): Promise<Versioned<Operator>>
  list(page: PageRequest): Promise<Page<Operator>>
  /** False when it is not there. @throws in_use for the last admin */
  remove(id: string): Promise<boolean>
}

/** Answers of POSTs by Idempotency-Key, kept for a day. */
export interface IdempotencyStore {
  /**
   * `new`: ours to do, then `finish` or `abandon`. `done`: the answer of the first. `running`: somebody is at it.
   * @throws idempotency_mismatch when the key was used for another request
   */
  begin(
    operatorId: string,
    key: string,
    fingerprint: Uint8Array,
  ): Promise<{ state: 'new' | 'running' } | { state: 'done'; status: number; response: unknown }>
  finish(operatorId: string, key: string, status: number, response: unknown): Promise<void>
  abandon(operatorId: string, key: string): Promise<void>
}
