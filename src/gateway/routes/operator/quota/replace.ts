import { Quota, QuotaReplace } from '../../../../protocol/schemas/operator.ts'
import { parseHard } from '../../../quota/index.ts'
import { tenantOf } from '../find.ts'
import { operatorRoute } from '../route.ts'
import { ok, Reference } from '../schemas.ts'
import { readQuota } from './get.ts'

export const replaceQuota = operatorRoute({
  method: 'PUT',
  url: '/v1/tenants/:tenant/quota',
  operationId: 'replaceQuota',
  summary: 'Set all hard limits; those that are not named are taken away',
  access: 'admin',
  resource: 'quota',
  params: Reference('tenant'),
  body: QuotaReplace,
  response: ok(Quota),
  async handle({ params, body }, context) {
    const tenant = (await tenantOf(context, params.tenant)).value
    const hard = parseHard(body.hard)
    await context.services.quota.set(tenant.id, hard, { replace: true, revision: context.revision })
    return readQuota(context, tenant)
  },
})
