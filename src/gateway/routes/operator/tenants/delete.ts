import { DeleteQuery } from '../../../../protocol/schemas/operator.ts'
import { awayClusters, removalAnswer, tenantOf } from '../find.ts'
import { operatorRoute } from '../route.ts'
import { Reference, removed } from '../schemas.ts'

export const deleteTenant = operatorRoute({
  method: 'DELETE',
  url: '/v1/tenants/:tenant',
  operationId: 'deleteTenant',
  summary: 'Delete a tenant; refused while it carries pods unless told drain or force',
  access: 'admin',
  resource: 'tenants',
  params: Reference('tenant'),
  query: DeleteQuery,
  response: removed,
  async handle({ params, query }, context) {
    const { id, name } = (await tenantOf(context, params.tenant)).value
    const outcome = await context.services.tenants.remove(id, query.mode, await awayClusters(context))
    return { ...removalAnswer(outcome), subject: { name, tenantId: id } }
  },
})
