import Type from 'typebox'
import { pageReply } from '../../../../lib/page.ts'
import { AuditItem, PageQuery } from '../../../../protocol/schemas/operator.ts'
import { filterIds } from '../find.ts'
import { operatorRoute } from '../route.ts'
import { pageOf, pageOfQuery } from '../schemas.ts'

export const listAudit = operatorRoute({
  method: 'GET',
  url: '/v1/audit',
  operationId: 'listAudit',
  summary: 'Who did what and how it ended, youngest first',
  access: 'read',
  resource: 'audit',
  query: Type.Object(
    { ...PageQuery.properties, tenant: Type.Optional(Type.String({ maxLength: 256 })) },
    { additionalProperties: false },
  ),
  response: pageOf(AuditItem),
  async handle({ query }, context) {
    const { tenantId } = await filterIds(context, query)
    const page = await context.services.activity.audit(pageOfQuery(query), { tenantId, scope: context.scope })
    return { body: pageReply(page) }
  },
})
