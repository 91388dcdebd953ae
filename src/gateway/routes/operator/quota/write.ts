import type { TSchema } from 'typebox'
import { Quota, QuotaReplace, QuotaUpdate } from '../../../../protocol/schemas/operator.ts'
import { parseHard } from '../../../quota/index.ts'
import { tenantOf } from '../find.ts'
import { operatorRoute } from '../route.ts'
import { ok, Reference } from '../schemas.ts'
import { readQuota } from './get.ts'

interface QuotaWrite<B extends TSchema> {
  method: 'PUT' | 'PATCH'
  operationId: string
  summary: string
  body: B
}

/** PUT and PATCH differ in what becomes of the limits that are not named, and in whether null may stand for none. */
const quotaWrite = <B extends typeof QuotaReplace | typeof QuotaUpdate>(write: QuotaWrite<B>) =>
  operatorRoute({
    ...write,
    url: '/v1/tenants/:tenant/quota',
    access: 'admin',
    resource: 'quota',
    params: Reference('tenant'),
    response: ok(Quota),
    async handle({ params, body }, context) {
      const tenant = (await tenantOf(context, params.tenant)).value
      const hard = parseHard((body as QuotaUpdate).hard)
      const replace = write.method === 'PUT'
      await context.services.quota.set(tenant.id, hard, { replace, revision: context.revision })
      return readQuota(context, tenant)
    },
  })

export const replaceQuota = quotaWrite({
  method: 'PUT',
  operationId: 'replaceQuota',
  summary: 'Set all hard limits; those that are not named are taken away',
  body: QuotaReplace,
})

export const updateQuota = quotaWrite({
  method: 'PATCH',
  operationId: 'updateQuota',
  summary: 'Change the hard limits that are named; null takes one away',
  body: QuotaUpdate,
})
