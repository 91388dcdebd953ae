import { Cluster } from '../../../../protocol/schemas/operator.ts'
import { clusterOf } from '../find.ts'
import { operatorRoute } from '../route.ts'
import { ok, Reference } from '../schemas.ts'
import { showCluster } from './view.ts'

export const getCluster = operatorRoute({
  method: 'GET',
  url: '/v1/clusters/:cluster',
  operationId: 'getCluster',
  summary: 'Read a data plane; its credential is never shown',
  access: 'read-all',
  resource: 'clusters',
  params: Reference('cluster'),
  response: ok(Cluster),
  async handle({ params }, context) {
    const row = await clusterOf(context, params.cluster)
    return { body: showCluster(row, context.services), revision: row.revision }
  },
})
