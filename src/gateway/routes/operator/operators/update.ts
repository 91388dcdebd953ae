import { Operator, OperatorUpdate } from '../../../../protocol/schemas/operator.ts'
import { found } from '../find.ts'
import { operatorRoute } from '../route.ts'
import { ok, Reference } from '../schemas.ts'
import { tenantOfRole } from './role.ts'

export const updateOperator = operatorRoute({
  method: 'PATCH',
  url: '/v1/operators/:operator',
  operationId: 'updateOperator',
  summary: 'Change an operator’s name, role or expiry; its token stays. The last admin stays one',
  access: 'admin',
  resource: 'operators',
  params: Reference('operator'),
  body: OperatorUpdate,
  response: ok(Operator),
  async handle({ params, body }, context) {
    const { operators } = context.services
    const before = found(await operators.get(params.operator), 'operator').value
    const { name, role, expiresInSeconds } = body
    // A role that stays keeps its tenant; another one says whose it is, or that it is nobody's.
    const tenant = role === undefined || role === before.role ? (body.tenant ?? before.tenant) : body.tenant
    const tenantId = await tenantOfRole(role ?? before.role, tenant, context)
    const change = { name, role, tenantId, expiresInSeconds }
    const row = await operators.update(before.id, change, context.revision)
    return { body: row.value, revision: row.revision, subject: { name: row.value.name, tenantId } }
  },
})
