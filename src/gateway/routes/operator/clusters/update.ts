import { Cluster, ClusterUpdateWithMaintenance } from '../../../../protocol/schemas/operator.ts'
import { clusterOf } from '../find.ts'
import { operatorRoute } from '../route.ts'
import { ok, Reference } from '../schemas.ts'
import { changesTarget, checkedRegistration, targetOf } from './registration.ts'
import { showCluster } from './view.ts'

export const updateCluster = operatorRoute({
  method: 'PATCH',
  url: '/v1/clusters/:cluster',
  operationId: 'updateCluster',
  summary:
    'Change a data plane’s address, credential, network or maintenance; a new credential is checked first',
  access: 'admin',
  resource: 'clusters',
  params: Reference('cluster'),
  body: ClusterUpdateWithMaintenance,
  response: ok(Cluster),
  async handle({ params, body }, context) {
    const { services } = context
    const before = await clusterOf(context, params.cluster)
    // A new token alone goes to the address that is registered.
    const known = { server: before.value.server, ca: before.ca, tlsServerName: before.tlsServerName }
    const registration = changesTarget(body)
      ? await checkedRegistration(
          before.value.id,
          targetOf(body.kubeconfig === undefined ? { ...known, ...body } : body),
          services,
        )
      : {}
    const { network, maintenance } = body
    const change = { ...registration, network, maintenance }
    const row = await services.clusters.update(before.value.id, change, context.revision)
    return { body: showCluster(row, services), revision: row.revision, subject: { name: row.value.name } }
  },
})
