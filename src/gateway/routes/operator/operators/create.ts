import { OperatorCreate, OperatorCreated } from '../../../../protocol/schemas/operator.ts'
import { drawSecret, OPERATOR_PREFIX } from '../../../credentials/index.ts'
import { operatorRoute } from '../route.ts'
import { created } from '../schemas.ts'
import { tenantOfRole } from './role.ts'

export const createOperator = operatorRoute({
  method: 'POST',
  url: '/v1/operators',
  operationId: 'createOperator',
  summary: 'Make an operator; the token is shown this once',
  access: 'admin',
  resource: 'operators',
  body: OperatorCreate,
  response: created(OperatorCreated),
  async handle({ body }, context) {
    const tenantId = await tenantOfRole(body.role, body.tenant, context)
    const { secret, hash } = drawSecret(OPERATOR_PREFIX)
    const { name, role, expiresInSeconds } = body
    const operator = await context.services.operators.create({
      name,
      role,
      tenantId,
      tokenHash: hash,
      expiresInSeconds,
    })
    return { status: 201, body: operator, secret: { token: secret }, subject: { name, tenantId } }
  },
})
