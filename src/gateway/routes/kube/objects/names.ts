import { isDnsSubdomain } from '../../../../kube/names.ts'
import type { FieldFault } from '../../../../protocol/errors/index.ts'
import { objectNotFound } from '../../../kubernetes/upstream-errors.ts'
import type { KubeCall } from '../call.ts'

/** The name in the path. One that no object can have is not found, and never reaches an upstream path (B1, B2). */
export function checkedName(call: KubeCall): string {
  const name = call.name ?? ''
  if (!isDnsSubdomain(name)) throw objectNotFound(call.resource, name)
  return name
}

const NAME_TEXT =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character"

/** Faults of the name in a body that is to be created. */
export function nameFaults(name: unknown): FieldFault[] {
  if (name === undefined || name === '') {
    const message = 'name or generateName is required'
    return [{ field: 'metadata.name', reason: 'FieldValueRequired', message }]
  }
  if (isDnsSubdomain(name)) return []
  const shown = JSON.stringify(typeof name === 'string' ? name.slice(0, 253) : typeof name)
  return [{ field: 'metadata.name', reason: 'FieldValueInvalid', message: `${shown}: ${NAME_TEXT}` }]
}
