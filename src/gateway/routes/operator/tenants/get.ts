import { Tenant } from '../../../../protocol/schemas/operator.ts'
import { tenantOf } from '../find.ts'
import { operatorRoute } from '../route.ts'
import { ok, Reference } from '../schemas.ts'

export const getTenant = operatorRoute({
  method: 'GET',
  url: '/v1/tenants/:tenant',
  operationId: 'getTenant',
  summary: 'Read a tenant',
  access: 'read',
  resource: 'tenants',
  params: Reference('tenant'),
  response: ok(Tenant),
  async handle({ params }, context) {
    const { value, revision } = await tenantOf(context, params.tenant)
    return { body: value, revision }
  },
})
