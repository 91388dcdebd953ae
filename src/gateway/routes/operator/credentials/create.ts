import { CredentialCreate, CredentialCreated } from '../../../../protocol/schemas/operator.ts'
import { CREDENTIAL_PREFIX, drawSecret } from '../../../credentials/index.ts'
import { nodeOf } from '../find.ts'
import { operatorRoute } from '../route.ts'
import { created } from '../schemas.ts'
import { refuseAgentAccess, showCredential } from './view.ts'

export const createCredential = operatorRoute({
  method: 'POST',
  url: '/v1/credentials',
  operationId: 'createCredential',
  summary: 'Issue a credential of a virtual node; the secret is shown this once',
  access: 'tenant',
  resource: 'credentials',
  body: CredentialCreate,
  response: created(CredentialCreated),
  async handle({ body }, context) {
    const node = await nodeOf(context, body.node)
    const kind = body.kind ?? 'agent'
    const access = body.access ?? 'edit'
    refuseAgentAccess(kind, access)
    const { secret, hash } = drawSecret(CREDENTIAL_PREFIX)
    const { tenantId } = node
    const description = body.description ?? ''
    const row = await context.services.credentials.create(
      { nodeId: node.value.id, tenantId, kind, access, description, secretHash: hash },
      context.scope,
    )
    const subject = { name: row.id, tenantId, nodeId: node.value.id }
    return { status: 201, body: showCredential(row), secret: { clientSecret: secret }, subject }
  },
})
