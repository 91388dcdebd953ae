import { VirtualNode } from '../../../../protocol/schemas/operator.ts'
import { nodeOf } from '../find.ts'
import { operatorRoute } from '../route.ts'
import { ok, Reference } from '../schemas.ts'
import { showNode } from './view.ts'

export const getNode = operatorRoute({
  method: 'GET',
  url: '/v1/nodes/:node',
  operationId: 'getNode',
  summary: 'Read a virtual node, by id or `tenant/node`',
  access: 'read',
  resource: 'nodes',
  params: Reference('node'),
  response: ok(VirtualNode),
  async handle({ params }, context) {
    const row = await nodeOf(context, params.node)
    return { body: showNode(row), revision: row.revision }
  },
})
