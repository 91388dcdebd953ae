import { pageReply } from '../../../../lib/page.ts'
import { Tenant } from '../../../../protocol/schemas/operator.ts'
import { operatorRoute } from '../route.ts'
import { ListQuery, pageOf, pageOfQuery } from '../schemas.ts'

export const listTenants = operatorRoute({
  method: 'GET',
  url: '/v1/tenants',
  operationId: 'listTenants',
  summary: 'List tenants, by name',
  access: 'read',
  resource: 'tenants',
  query: ListQuery(),
  response: pageOf(Tenant),
  async handle({ query }, { services, scope }) {
    return { body: pageReply(await services.tenants.list(pageOfQuery(query), scope)) }
  },
})
