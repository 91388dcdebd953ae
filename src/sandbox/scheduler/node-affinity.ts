import type { V1NodeSelectorTerm, V1PodSpec } from '@kubernetes/client-node'
import { matchesValue } from '../../kube/selectors/index.ts'
import type { Node } from './types.ts'

/** A term without any requirement matches nothing. */
function matchesTerm(term: V1NodeSelectorTerm, node: Node): boolean {
  const expressions = term.matchExpressions ?? []
  const fields = term.matchFields ?? []
  if (expressions.length + fields.length === 0) return false
  const labels = node.metadata.labels ?? {}
  return (
    expressions.every((each) =>
      matchesValue(each, Object.hasOwn(labels, each.key) ? labels[each.key] : undefined),
    ) && fields.every((each) => each.key === 'metadata.name' && matchesValue(each, node.metadata.name))
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
