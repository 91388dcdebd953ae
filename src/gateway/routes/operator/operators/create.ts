import { IsthmusError } from '../../../../protocol/errors/index.ts'
import { OperatorCreate, OperatorCreated } from '../../../../protocol/schemas/operator.ts'
import { drawSecret, OPERATOR_PREFIX } from '../../../credentials/index.ts'
import { tenantOf } from '../find.ts'
import { operatorRoute } from '../route.ts'
import { created } from '../schemas.ts'

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
    if ((body.role === 'tenant-admin') !== (body.tenant !== undefined)) {
      const message = 'goes with the role tenant-admin, and only with it'
      throw new IsthmusError('invalid', `tenant: ${message}`, {
        causes: [{ field: 'tenant', reason: 'FieldValueInvalid', message }],
      })
    }
    const tenantId = body.tenant === undefined ? undefined : (await tenantOf(context, body.tenant)).value.id
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
