import { Tenant, TenantCreate } from '../../../../protocol/schemas/operator.ts'
import { parseHard } from '../../../quota/index.ts'
import { operatorRoute } from '../route.ts'
import { created } from '../schemas.ts'

export const createTenant = operatorRoute({
  method: 'POST',
  url: '/v1/tenants',
  operationId: 'createTenant',
  summary: 'Make a tenant, with the hard limits of its quota',
  access: 'admin',
  resource: 'tenants',
  body: TenantCreate,
  response: created(Tenant),
  async handle({ body }, { services }) {
    const { value, revision } = await services.tenants.create({
      name: body.name,
      displayName: body.displayName ?? '',
      otherResources: body.otherResources ?? 'refuse',
      hard: parseHard(body.quota ?? {}, 'quota'),
    })
    return { status: 201, body: value, revision, subject: { name: value.name, tenantId: value.id } }
  },
})
