import type { V1LabelSelector } from '@kubernetes/client-node'
import { IsthmusError } from '../../protocol/errors/index.ts'
import { type LabelOperator, type LabelSelector, makeRequirement } from './label-selector.ts'

const operators = new Set(['In', 'NotIn', 'Exists', 'DoesNotExist'])

/**
 * A metav1.LabelSelector of an object as requirements: an empty one selects everything, a missing one nothing
 * (undefined).
 * @throws IsthmusError invalid
 */
export function labelSelectorOf(
  selector: V1LabelSelector | undefined | null,
  field = 'spec.selector',
): LabelSelector | undefined {
  if (selector === undefined || selector === null) return undefined
  const fail = (path: string, message: string) =>
    new IsthmusError('invalid', `${path}: ${message}`, {
      causes: [{ field: path, reason: 'FieldValueInvalid', message }],
    })
  const labels = Object.entries(selector.matchLabels ?? {}).map(([key, value]) =>
    makeRequirement((why) => fail(`${field}.matchLabels`, why), key, 'In', [value]),
  )
  const expressions = (selector.matchExpressions ?? []).map(({ key, operator, values }, index) => {
    const path = `${field}.matchExpressions[${index}]`
    const takesValues = operator === 'In' || operator === 'NotIn'
    if (!operators.has(operator) || takesValues !== (values ?? []).length > 0) {
      throw fail(path, 'the operator and its values do not fit')
    }
    return makeRequirement((why) => fail(path, why), key, operator as LabelOperator, values ?? [])
  })
  return [...labels, ...expressions]
}
