import { Credential, CredentialUpdate } from '../../../../protocol/schemas/operator.ts'
import { found } from '../find.ts'
import { operatorRoute } from '../route.ts'
import { ok, Reference } from '../schemas.ts'
import { refuseAgentAccess, showCredential } from './view.ts'

export const updateCredential = operatorRoute({
  method: 'PATCH',
  url: '/v1/credentials/:credential',
  operationId: 'updateCredential',
  summary:
    'Change a credential’s description, or what a client may do; less of it ends its streams and watches',
  access: 'tenant',
  resource: 'credentials',
  params: Reference('credential'),
  body: CredentialUpdate,
  response: ok(Credential),
  async handle({ params, body }, { services, scope, revision }) {
    const before = found(await services.credentials.get(params.credential, scope), 'credential')
    refuseAgentAccess(before.kind, body.access)
    const row = await services.credentials.update(before.id, body, { revision, scope })
    const subject = { name: row.id, tenantId: row.tenantId, nodeId: row.nodeId }
    return { body: showCredential(row), revision: row.revision, subject }
  },
})
