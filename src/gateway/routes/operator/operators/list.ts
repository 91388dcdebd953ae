import { pageReply } from '../../../../lib/page.ts'
import { Operator } from '../../../../protocol/schemas/operator.ts'
import { operatorRoute } from '../route.ts'
import { ListQuery, pageOf, pageOfQuery } from '../schemas.ts'

export const listOperators = operatorRoute({
  method: 'GET',
  url: '/v1/operators',
  operationId: 'listOperators',
  summary: 'List operators, by name',
  access: 'read-all',
  resource: 'operators',
  query: ListQuery(),
  response: pageOf(Operator),
  async handle({ query }, { services }) {
    return { body: pageReply(await services.operators.list(pageOfQuery(query))) }
  },
})
