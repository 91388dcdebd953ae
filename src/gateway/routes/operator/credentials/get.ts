import { Credential } from '../../../../protocol/schemas/operator.ts'
import { found } from '../find.ts'
import { operatorRoute } from '../route.ts'
import { ok, Reference } from '../schemas.ts'
import { showCredential } from './view.ts'

export const getCredential = operatorRoute({
  method: 'GET',
  url: '/v1/credentials/:credential',
  operationId: 'getCredential',
  summary: 'Read a credential, never its secret',
  access: 'read',
  resource: 'credentials',
  params: Reference('credential'),
  response: ok(Credential),
  async handle({ params }, { services, scope }) {
    const row = found(await services.credentials.get(params.credential, scope), 'credential')
    return { body: showCredential(row), revision: row.revision }
  },
})
