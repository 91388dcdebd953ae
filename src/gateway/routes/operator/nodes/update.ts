import { VirtualNode, VirtualNodeUpdate } from '../../../../protocol/schemas/operator.ts'
import { nodeOf } from '../find.ts'
import { operatorRoute } from '../route.ts'
import { ok, Reference } from '../schemas.ts'
import { capacityLimits, showNode } from './view.ts'

export const updateNode = operatorRoute({
  method: 'PATCH',
  url: '/v1/nodes/:node',
  operationId: 'updateNode',
  summary: 'Change a virtual node’s capacity; below what it carries it admits nothing new',
  access: 'admin',
  resource: 'nodes',
  params: Reference('node'),
  body: VirtualNodeUpdate,
  response: ok(VirtualNode),
  async handle({ params, body }, context) {
    const before = await nodeOf(context, params.node)
    if (body.capacity === undefined) return { body: showNode(before), revision: before.revision }
    const hard = capacityLimits(body.capacity)
    const { id, name } = before.value
    const row = await context.services.nodes.setCapacity(id, body.capacity, hard, context.revision)
    const subject = { name, tenantId: row.tenantId, nodeId: id }
    return { body: showNode(row), revision: row.revision, subject }
  },
})
