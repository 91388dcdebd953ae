import { pageReply } from '../../../../lib/page.ts'
import { Cluster } from '../../../../protocol/schemas/operator.ts'
import { operatorRoute } from '../route.ts'
import { ListQuery, pageOf, pageOfQuery } from '../schemas.ts'
import { showCluster } from './view.ts'

export const listClusters = operatorRoute({
  method: 'GET',
  url: '/v1/clusters',
  operationId: 'listClusters',
  summary: 'List data planes, by name',
  access: 'read-all',
  resource: 'clusters',
  query: ListQuery(),
  response: pageOf(Cluster),
  async handle({ query }, { services }) {
    const page = await services.clusters.list(pageOfQuery(query))
    return { body: pageReply({ ...page, items: page.items.map((row) => showCluster(row, services)) }) }
  },
})
