import { Quota, QuotaUpdate } from '../../../../protocol/schemas/operator.ts'
import { parseHard } from '../../../quota/index.ts'
import { tenantOf } from '../find.ts'
import { operatorRoute } from '../route.ts'
import { ok, Reference } from '../schemas.ts'
import { readQuota } from './get.ts'

export const updateQuota = operatorRoute({
  method: 'PATCH',
  url: '/v1/tenants/:tenant/quota',
  operationId: 'updateQuota',
  summary: 'Change the hard limits that are named; null takes one away',
  access: 'admin',
  resource: 'quota',
  params: Reference('tenant'),
  body: QuotaUpdate,
  response: ok(Quota),
  async handle({ params, body }, context) {
    const tenant = (await tenantOf(context, params.tenant)).value
    const hard = parseHard(body.hard)
    await context.services.quota.set(tenant.id, hard, { replace: false, revision: context.revision })
    return readQuota(context, tenant)
  },
})
