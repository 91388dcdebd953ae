import type { Credential } from '../../../../protocol/schemas/operator.ts'
import type { CredentialRow } from '../../../credentials/index.ts'

/** A stored credential without what is for the gateway alone. */
export function showCredential({ tenantId: _, ...credential }: CredentialRow): Credential {
  return credential
}
