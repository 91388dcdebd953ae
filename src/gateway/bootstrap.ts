import { drawSecret, OPERATOR_PREFIX } from './credentials/index.ts'
import type { OperatorStore } from './operators/index.ts'

/** Makes the first operator, an admin, and returns its token, this once; undefined when there is an operator already. */
export async function bootstrapOperator(
  operators: OperatorStore,
  name = 'admin',
): Promise<string | undefined> {
  const { secret, hash } = drawSecret(OPERATOR_PREFIX)
  return (await operators.createFirst(name, hash)) ? secret : undefined
}
