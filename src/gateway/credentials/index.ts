import type { Page, PageRequest } from '../../lib/page.ts'
import type { Credential, CredentialUpdate } from '../../protocol/schemas/operator.ts'
import type { Scope } from '../tenants/index.ts'

export interface CredentialRow extends Credential {
  tenantId: string
  revision: number
}

/** Credentials of virtual nodes. Everything throws IsthmusError unavailable. */
export interface CredentialStore {
  /** @throws already_exists when an agent's node has two valid ones; in_use when the node is gone */
  create(
    credential: {
      nodeId: string
      tenantId: string
      kind: 'agent' | 'client'
      access: 'read-only' | 'edit'
      description: string
      secretHash: Uint8Array
    },
    scope: Scope,
  ): Promise<CredentialRow>
  get(id: string, scope: Scope): Promise<CredentialRow | undefined>
  list(
    page: PageRequest,
    filter: { tenantId: string | undefined; nodeId: string | undefined; scope: Scope },
  ): Promise<Page<CredentialRow>>
  /** What is undefined stays. @throws precondition_failed, also when it is not there or revoked */
  update(
    id: string,
    change: CredentialUpdate,
    options: { revision: number | undefined; scope: Scope },
  ): Promise<CredentialRow>
  /** Idempotent; false when it is not there. */
  revoke(id: string, scope: Scope): Promise<boolean>
}

export {
  CREDENTIAL_PREFIX,
  DUMMY_HASH,
  drawSecret,
  hashSecret,
  OPERATOR_PREFIX,
  secretFits,
} from './secret.ts'
