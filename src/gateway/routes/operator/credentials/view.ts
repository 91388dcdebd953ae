import { IsthmusError } from '../../../../protocol/errors/index.ts'
import type { Credential } from '../../../../protocol/schemas/operator.ts'
import type { CredentialRow } from '../../../credentials/index.ts'

/** A stored credential without what is for the gateway alone. */
export function showCredential({ tenantId: _, revision: __, ...credential }: CredentialRow): Credential {
  return credential
}

/** @throws invalid: an agent writes its node's pods, or it is none */
export function refuseAgentAccess(kind: 'agent' | 'client', access: 'read-only' | 'edit' | undefined): void {
  if (kind !== 'agent' || access !== 'read-only') return
  const message = 'an agent’s credential is always `edit`'
  throw new IsthmusError('invalid', `access: ${message}`, {
    causes: [{ field: 'access', reason: 'FieldValueInvalid', message }],
  })
}
