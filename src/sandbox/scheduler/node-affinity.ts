import type { V1NodeSelectorRequirement, V1NodeSelectorTerm, V1PodSpec } from '@kubernetes/client-node'
import type { Node } from './types.ts'

function matchesRequirement(requirement: V1NodeSelectorRequirement, value: string | undefined): boolean {
  const { operator, values = [] } = requirement
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value)
    case 'NotIn':
      return value === undefined || !values.includes(value)
    case 'Exists':
      return value !== undefined
    case 'DoesNotExist':
      return value === undefined
    case 'Gt':
    case 'Lt': {
      if (value === undefined || !/^-?\d+$/.test(value) || !/^-?\d+$/.test(values[0] ?? '')) return false
      return operator === 'Gt' ? BigInt(value) > BigInt(values[0]!) : BigInt(value) < BigInt(values[0]!)
    }
    default:
      return false
  }
}

/** A term without any requirement matches nothing. */
function matchesTerm(term: V1NodeSelectorTerm, node: Node): boolean {
  const expressions = term.matchExpressions ?? []
  const fields = term.matchFields ?? []
  if (expressions.length + fields.length === 0) return false
  const labels = node.metadata.labels ?? {}
  return (
    expressions.every((each) => matchesRequirement(each, labels[each.key])) &&
    fields.every((each) => each.key === 'metadata.name' && matchesRequirement(each, node.metadata.name))
  )
}

/** Whether a pod's nodeSelector and required node affinity allow a node. Terms are alternatives, requirements add up. */
export function matchesNode(spec: V1PodSpec, node: Node): boolean {
  const labels = node.metadata.labels ?? {}
  const selector = Object.entries(spec.nodeSelector ?? {})
  if (!selector.every(([key, value]) => labels[key] === value)) return false
  const required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
  if (!required) return true
  return (required.nodeSelectorTerms ?? []).some((term) => matchesTerm(term, node))
}
