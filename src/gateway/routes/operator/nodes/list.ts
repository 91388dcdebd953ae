import Type from 'typebox'
import { pageReply } from '../../../../lib/page.ts'
import { PageQuery, VirtualNode } from '../../../../protocol/schemas/operator.ts'
import { filterIds } from '../find.ts'
import { operatorRoute } from '../route.ts'
import { pageOf, pageOfQuery } from '../schemas.ts'
import { showNode } from './view.ts'

const Filter = Type.Optional(Type.String({ maxLength: 256 }))

export const listNodes = operatorRoute({
  method: 'GET',
  url: '/v1/nodes',
  operationId: 'listNodes',
  summary: 'List virtual nodes, by tenant and name',
  access: 'read',
  resource: 'nodes',
  query: Type.Object(
    { ...PageQuery.properties, tenant: Filter, cluster: Filter },
    { additionalProperties: false },
  ),
  response: pageOf(VirtualNode),
  async handle({ query }, context) {
    const { tenantId, clusterId } = await filterIds(context, query)
    const filter = { tenantId, clusterId, scope: context.scope }
    const page = await context.services.nodes.list(pageOfQuery(query), filter)
    return { body: pageReply({ ...page, items: page.items.map(showNode) }) }
  },
})
