import { randomUUID } from 'node:crypto'
import { Cluster, ClusterCreate } from '../../../../protocol/schemas/operator.ts'
import { operatorRoute } from '../route.ts'
import { created } from '../schemas.ts'
import { checkedRegistration, targetOf } from './registration.ts'
import { showCluster } from './view.ts'

export const createCluster = operatorRoute({
  method: 'POST',
  url: '/v1/clusters',
  operationId: 'createCluster',
  summary: 'Register a data plane; refused with what is missing unless version, rights and confinement hold',
  access: 'admin',
  resource: 'clusters',
  body: ClusterCreate,
  response: created(Cluster),
  async handle({ body }, { services }) {
    const id = randomUUID()
    const registration = await checkedRegistration(id, targetOf(body), services)
    const network = body.network ?? 'isolated'
    const row = await services.clusters.create(id, { ...registration, name: body.name, network })
    return {
      status: 201,
      body: showCluster(row, services),
      revision: row.revision,
      subject: { name: body.name },
    }
  },
})
