import { Operator } from '../../../../protocol/schemas/operator.ts'
import { found } from '../find.ts'
import { operatorRoute } from '../route.ts'
import { ok, Reference } from '../schemas.ts'

export const getOperator = operatorRoute({
  method: 'GET',
  url: '/v1/operators/:operator',
  operationId: 'getOperator',
  summary: 'Read an operator, never its token',
  access: 'read-all',
  resource: 'operators',
  params: Reference('operator'),
  response: ok(Operator),
  async handle({ params }, { services }) {
    const { value, revision } = found(await services.operators.get(params.operator), 'operator')
    return { body: value, revision }
  },
})
