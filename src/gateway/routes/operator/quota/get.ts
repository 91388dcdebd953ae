import { Quota } from '../../../../protocol/schemas/operator.ts'
import { quotaRow } from '../../../quota/index.ts'
import { found, tenantOf } from '../find.ts'
import { type OperatorContext, operatorRoute } from '../route.ts'
import { ok, Reference } from '../schemas.ts'

/** The quota of a tenant as it stands, with its ETag. */
export async function readQuota(context: OperatorContext, tenant: { id: string; name: string }) {
  const { rows, revision } = found(await context.services.quota.get(tenant.id), 'tenant')
  return {
    body: { tenant: tenant.name, rows: rows.map(quotaRow) },
    revision,
    subject: { name: tenant.name, tenantId: tenant.id },
  }
}

export const getQuota = operatorRoute({
  method: 'GET',
  url: '/v1/tenants/:tenant/quota',
  operationId: 'getQuota',
  summary: 'Read the hard limits of a tenant with what is used and reserved',
  access: 'read',
  resource: 'quota',
  params: Reference('tenant'),
  response: ok(Quota),
  handle: async ({ params }, context) => readQuota(context, (await tenantOf(context, params.tenant)).value),
})
