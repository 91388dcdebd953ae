import { found } from '../find.ts'
import { operatorRoute } from '../route.ts'
import { Empty, Reference } from '../schemas.ts'

export const revokeCredential = operatorRoute({
  method: 'DELETE',
  url: '/v1/credentials/:credential',
  operationId: 'revokeCredential',
  summary: 'Revoke a credential: its tokens, watches and streams end at once on every replica; idempotent',
  access: 'tenant',
  resource: 'credentials',
  params: Reference('credential'),
  response: { 204: Empty },
  async handle({ params }, { services, scope }) {
    const row = found(await services.credentials.get(params.credential, scope), 'credential')
    await services.credentials.revoke(row.id, scope)
    return { subject: { name: row.id, tenantId: row.tenantId, nodeId: row.nodeId } }
  },
})
