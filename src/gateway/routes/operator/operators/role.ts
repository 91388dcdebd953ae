import { IsthmusError } from '../../../../protocol/errors/index.ts'
import { tenantOf } from '../find.ts'
import type { OperatorContext } from '../route.ts'

/** The tenant's id of a tenant-admin; the two go together. @throws invalid, not_found */
export async function tenantOfRole(
  role: string,
  tenant: string | undefined,
  context: OperatorContext,
): Promise<string | undefined> {
  if ((role === 'tenant-admin') !== (tenant !== undefined)) {
    const message = 'goes with the role tenant-admin, and only with it'
    throw new IsthmusError('invalid', `tenant: ${message}`, {
      causes: [{ field: 'tenant', reason: 'FieldValueInvalid', message }],
    })
  }
  return tenant === undefined ? undefined : (await tenantOf(context, tenant)).value.id
}
