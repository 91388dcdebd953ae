import type { V1Pod } from '@kubernetes/client-node'
import { downwardAnnotations, type NodeFacts } from './downward.ts'
import { annotation } from './names.ts'

/** Prefixes that never go along: the gateway's own, and what a user could set to pass for the agent. */
const kept = (key: string) => !/^([a-z0-9.-]+\.)?isthmus\.dev\//.test(key)

function only(map: Record<string, string> | undefined): Record<string, string> {
  return Object.fromEntries(Object.entries(map ?? {}).filter(([key]) => kept(key)))
}

/** Labels and annotations that the user's pod brings along. */
export function carriedMetadata(pod: V1Pod): {
  labels: Record<string, string>
  annotations: Record<string, string>
} {
  return { labels: only(pod.metadata?.labels), annotations: only(pod.metadata?.annotations) }
}

/** The agent's own annotations on the carrying pod. */
export function agentAnnotations(pod: V1Pod, facts: NodeFacts): Record<string, string> {
  return {
    ...downwardAnnotations(pod, facts),
    [annotation.generation]: String(pod.metadata?.generation ?? 0),
    [annotation.applied]: appliedKeys(pod),
  }
}

/** The keys that were brought along, for a later three-way merge: what the user removes has to go, nothing else. */
export function appliedKeys(pod: V1Pod): string {
  const { labels, annotations } = carriedMetadata(pod)
  return JSON.stringify([Object.keys(labels).sort(), Object.keys(annotations).sort()])
}

/** The keys that an earlier `appliedKeys` named; none when the annotation is missing or not ours. */
export function parseAppliedKeys(text: string | undefined): { labels: string[]; annotations: string[] } {
  try {
    const [labels, annotations] = JSON.parse(text ?? '') as unknown[]
    if (Array.isArray(labels) && Array.isArray(annotations)) {
      return { labels: labels.map(String), annotations: annotations.map(String) }
    }
  } catch {
    // Not JSON: another writer, or a pod made by an older agent. Nothing is removed then.
  }
  return { labels: [], annotations: [] }
}
