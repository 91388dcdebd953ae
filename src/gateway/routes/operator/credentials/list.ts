import Type from 'typebox'
import { pageReply } from '../../../../lib/page.ts'
import { Credential, PageQuery } from '../../../../protocol/schemas/operator.ts'
import { filterIds } from '../find.ts'
import { operatorRoute } from '../route.ts'
import { pageOf, pageOfQuery } from '../schemas.ts'
import { showCredential } from './view.ts'

const Filter = Type.Optional(Type.String({ maxLength: 256 }))

export const listCredentials = operatorRoute({
  method: 'GET',
  url: '/v1/credentials',
  operationId: 'listCredentials',
  summary: 'List credentials, oldest first',
  access: 'read',
  resource: 'credentials',
  query: Type.Object(
    { ...PageQuery.properties, tenant: Filter, node: Filter },
    { additionalProperties: false },
  ),
  response: pageOf(Credential),
  async handle({ query }, context) {
    const { tenantId, nodeId } = await filterIds(context, query)
    const filter = { tenantId, nodeId, scope: context.scope }
    const page = await context.services.credentials.list(pageOfQuery(query), filter)
    return { body: pageReply({ ...page, items: page.items.map(showCredential) }) }
  },
})
