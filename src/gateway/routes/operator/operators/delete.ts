import { found, missing } from '../find.ts'
import { operatorRoute } from '../route.ts'
import { Empty, Reference } from '../schemas.ts'

export const deleteOperator = operatorRoute({
  method: 'DELETE',
  url: '/v1/operators/:operator',
  operationId: 'deleteOperator',
  summary: 'Delete an operator; its token ends at once. The last admin stays',
  access: 'admin',
  resource: 'operators',
  params: Reference('operator'),
  response: { 204: Empty },
  async handle({ params }, { services }) {
    const operator = found(await services.operators.get(params.operator), 'operator').value
    if (!(await services.operators.remove(operator.id))) throw missing('operator')
    return { subject: { name: operator.name } }
  },
})
