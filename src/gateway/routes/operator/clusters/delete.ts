import { DeleteQuery } from '../../../../protocol/schemas/operator.ts'
import { awayClusters, clusterOf, removalAnswer } from '../find.ts'
import { operatorRoute } from '../route.ts'
import { Reference, removed } from '../schemas.ts'

export const deleteCluster = operatorRoute({
  method: 'DELETE',
  url: '/v1/clusters/:cluster',
  operationId: 'deleteCluster',
  summary: 'Forget a data plane; refused while nodes are bound to it unless told drain or force',
  access: 'admin',
  resource: 'clusters',
  params: Reference('cluster'),
  query: DeleteQuery,
  response: removed,
  async handle({ params, query }, context) {
    const { id, name } = (await clusterOf(context, params.cluster)).value
    const outcome = await context.services.clusters.remove(id, query.mode, await awayClusters(context))
    return { ...removalAnswer(outcome), subject: { name } }
  },
})
