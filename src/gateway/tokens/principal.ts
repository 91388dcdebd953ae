import type { CredentialRecord, NodeRecord, TenantRecord } from '../directory/index.ts'

/** Who speaks on the public faces: from the verified token alone, never from labels, path or body. */
export interface Principal {
  tenantId: string
  tenantName: string
  nodeId: string
  nodeName: string
  clusterId: string
  credentialId: string
  /** `agent`: a virtual kubelet, whose writes carry the writer's epoch; `client`: kubectl and programs. */
  credentialKind: 'agent' | 'client'
  access: 'read-only' | 'edit'
  /** Epoch milliseconds. An open stream may outlive it; a new request may not. */
  expiresAtMs: number
}

/** Who a credential speaks for, by the directory's own records. Whether it still may is the caller's to check. */
export function principalFrom(
  { credential, node, tenant }: { credential: CredentialRecord; node: NodeRecord; tenant: TenantRecord },
  expiresAtMs: number,
): Principal {
  return {
    tenantId: tenant.id,
    tenantName: tenant.name,
    nodeId: node.id,
    nodeName: node.name,
    clusterId: node.clusterId,
    credentialId: credential.id,
    credentialKind: credential.kind,
    access: credential.access,
    expiresAtMs,
  }
}

export interface IssuedToken {
  accessToken: string
  /** Seconds. */
  expiresIn: number
}

export interface TokenService {
  /** RFC 6749 client credentials. @throws IsthmusError unauthenticated (same text whatever was wrong), suspended, unavailable. */
  issue(clientId: string, clientSecret: string): Promise<IssuedToken>
  /** Verifies signature, times, audience and, in the directory, that nothing is revoked. Needs no database. @throws IsthmusError unauthenticated, suspended, unavailable. */
  verify(token: string): Promise<Principal>
  /** RFC 7517 key set, public parts only. */
  jwks(): { keys: Record<string, unknown>[] }
}
