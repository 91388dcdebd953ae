import Type from 'typebox'
import { pageReply } from '../../../../lib/page.ts'
import { PageQuery, UsageItem } from '../../../../protocol/schemas/operator.ts'
import { quotaRow } from '../../../quota/index.ts'
import { filterIds } from '../find.ts'
import { operatorRoute } from '../route.ts'
import { pageOf, pageOfQuery } from '../schemas.ts'

export const listUsage = operatorRoute({
  method: 'GET',
  url: '/v1/usage',
  operationId: 'listUsage',
  summary: 'What each tenant uses and has reserved, by tenant and resource',
  access: 'read',
  resource: 'usage',
  query: Type.Object(
    { ...PageQuery.properties, tenant: Type.Optional(Type.String({ maxLength: 256 })) },
    { additionalProperties: false },
  ),
  response: pageOf(UsageItem),
  async handle({ query }, context) {
    const { tenantId } = await filterIds(context, query)
    const page = await context.services.quota.usage(pageOfQuery(query), { tenantId, scope: context.scope })
    const items = page.items.map(({ tenant, row }) => ({ tenant, ...quotaRow(row) }))
    return { body: pageReply({ ...page, items }) }
  },
})
