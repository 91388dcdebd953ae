import { VirtualNode, VirtualNodeCreate } from '../../../../protocol/schemas/operator.ts'
import { clusterOf, tenantOf } from '../find.ts'
import { operatorRoute } from '../route.ts'
import { created } from '../schemas.ts'
import { capacityLimits, showNode } from './view.ts'

export const createNode = operatorRoute({
  method: 'POST',
  url: '/v1/nodes',
  operationId: 'createNode',
  summary: 'Make a virtual node of a tenant on a data plane',
  access: 'admin',
  resource: 'nodes',
  body: VirtualNodeCreate,
  response: created(VirtualNode),
  async handle({ body }, context) {
    const hard = capacityLimits(body.capacity)
    const tenantId = (await tenantOf(context, body.tenant)).value.id
    const clusterId = (await clusterOf(context, body.cluster)).value.id
    const { name, capacity } = body
    const row = await context.services.nodes.create({ name, tenantId, clusterId, capacity, hard })
    const subject = { name, tenantId, nodeId: row.value.id }
    return { status: 201, body: showNode(row), revision: row.revision, subject }
  },
})
