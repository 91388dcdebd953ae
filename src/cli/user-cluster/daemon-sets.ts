import type { V1DaemonSet, V1NodeSelectorTerm, V1Taint, V1Toleration } from '@kubernetes/client-node'
import { type LabelOperator, matchesLabels } from '../../kube/selectors/index.ts'

/** What decides whether a DaemonSet puts a pod on a Node. */
export interface NodeTraits {
  name: string
  labels: Record<string, string>
  taints: readonly V1Taint[]
}

/** A DaemonSet that would put a pod on the virtual node, and how to keep it off. */
export interface DaemonSetOnNode {
  namespace: string
  name: string
  /** The shell command; the terms that the DaemonSet has are kept. */
  command: string
}

/** Keeps pods off every virtual node; `type` is the label that virtual kubelets have carried from the first one on. */
const KEEP_OFF = { key: 'type', operator: 'NotIn', values: ['virtual-kubelet'] }

/** Taints that the DaemonSet controller itself tolerates for its pods (daemon/util AddOrUpdateDaemonPodTolerations). */
const ALWAYS_TOLERATED =
  /^node\.kubernetes\.io\/(not-ready|unreachable|disk-pressure|memory-pressure|pid-pressure|unschedulable)$/

/** The Node as the agent will make it, for the time before it is there. */
export function expectedNode(name: string, taintKey: string): NodeTraits {
  return {
    name,
    labels: {
      'kubernetes.io/hostname': name,
      'kubernetes.io/os': 'linux',
      'kubernetes.io/arch': 'amd64',
      type: 'virtual-kubelet',
      [taintKey]: name,
    },
    taints: [{ key: taintKey, value: name, effect: 'NoSchedule' }],
  }
}

/**
 * The DaemonSets whose pods come to the node the moment it registers. Each of those pods would stay Pending, count
 * against maxUnavailable and stop that DaemonSet's rollout on all nodes (agent-rules.md 30).
 */
export function daemonSetsOn(node: NodeTraits, daemonSets: readonly V1DaemonSet[]): DaemonSetOnNode[] {
  return daemonSets
    .filter((daemonSet) => lands(daemonSet, node))
    .map((daemonSet) => {
      const { namespace = 'default', name = '' } = daemonSet.metadata ?? {}
      const patch = JSON.stringify(keepOffPatch(daemonSet))
      return {
        namespace,
        name,
        command: `kubectl -n ${namespace} patch daemonset ${name} --type merge -p '${patch}'`,
      }
    })
}

function lands(daemonSet: V1DaemonSet, node: NodeTraits): boolean {
  const spec = daemonSet.spec?.template.spec
  if (!spec) return false
  if (spec.nodeName && spec.nodeName !== node.name) return false
  for (const [key, value] of Object.entries(spec.nodeSelector ?? {})) {
    if (node.labels[key] !== value) return false
  }
  const terms = requiredTerms(daemonSet)
  if (terms && !terms.some((term) => matches(term, node))) return false
  return node.taints.every(
    (taint) =>
      taint.effect === 'PreferNoSchedule' ||
      ALWAYS_TOLERATED.test(taint.key) ||
      (spec.tolerations ?? []).some((toleration) => tolerates(toleration, taint)),
  )
}

function requiredTerms(daemonSet: V1DaemonSet): V1NodeSelectorTerm[] | undefined {
  const affinity = daemonSet.spec?.template.spec?.affinity?.nodeAffinity
  return affinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms
}

/** An empty term matches nothing (component-helpers nodeaffinity). */
function matches(term: V1NodeSelectorTerm, node: NodeTraits): boolean {
  const { matchExpressions = [], matchFields = [] } = term
  if (matchExpressions.length + matchFields.length === 0) return false
  const requirement = ({ key, operator, values }: { key: string; operator: string; values?: string[] }) => ({
    key,
    operator: operator as LabelOperator,
    values: values ?? [],
  })
  return (
    matchesLabels(matchExpressions.map(requirement), node.labels) &&
    matchesLabels(matchFields.map(requirement), { 'metadata.name': node.name })
  )
}

function tolerates(toleration: V1Toleration, taint: V1Taint): boolean {
  if (toleration.effect && toleration.effect !== taint.effect) return false
  if (toleration.key && toleration.key !== taint.key) return false
  if (toleration.operator === 'Exists') return true
  return toleration.key === taint.key && (toleration.value ?? '') === (taint.value ?? '')
}

/** A merge patch replaces the list of terms, which are alternatives: each of them gets the requirement. */
function keepOffPatch(daemonSet: V1DaemonSet) {
  const terms = requiredTerms(daemonSet) ?? [{}]
  const nodeSelectorTerms = terms.map((term) => ({
    ...term,
    matchExpressions: [...(term.matchExpressions ?? []), KEEP_OFF],
  }))
  const required = { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } }
  return { spec: { template: { spec: { affinity: { nodeAffinity: required } } } } }
}
