import { DeleteQuery } from '../../../../protocol/schemas/operator.ts'
import { awayClusters, nodeOf, removalAnswer } from '../find.ts'
import { operatorRoute } from '../route.ts'
import { Reference, removed } from '../schemas.ts'

export const deleteNode = operatorRoute({
  method: 'DELETE',
  url: '/v1/nodes/:node',
  operationId: 'deleteNode',
  summary: 'Delete a virtual node; refused while it carries pods unless told drain or force',
  access: 'admin',
  resource: 'nodes',
  params: Reference('node'),
  query: DeleteQuery,
  response: removed,
  async handle({ params, query }, context) {
    const row = await nodeOf(context, params.node)
    const { id, name } = row.value
    const outcome = await context.services.nodes.remove(id, query.mode, await awayClusters(context))
    return { ...removalAnswer(outcome), subject: { name, tenantId: row.tenantId, nodeId: id } }
  },
})
