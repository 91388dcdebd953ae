import { Tenant, TenantUpdate } from '../../../../protocol/schemas/operator.ts'
import { tenantOf } from '../find.ts'
import { operatorRoute } from '../route.ts'
import { ok, Reference } from '../schemas.ts'

export const updateTenant = operatorRoute({
  method: 'PATCH',
  url: '/v1/tenants/:tenant',
  operationId: 'updateTenant',
  summary: 'Change a tenant; suspending cuts its streams and tokens at once, what runs keeps running',
  access: 'admin',
  resource: 'tenants',
  params: Reference('tenant'),
  body: TenantUpdate,
  response: ok(Tenant),
  async handle({ params, body }, context) {
    const { id, name } = (await tenantOf(context, params.tenant)).value
    const { value, revision } = await context.services.tenants.update(id, body, context.revision)
    return { body: value, revision, subject: { name, tenantId: id } }
  },
})
