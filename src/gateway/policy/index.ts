import type { V1ObjectMeta, V1Pod } from '@kubernetes/client-node'
import type { FieldFault } from '../../protocol/errors/index.ts'
import { judgeChange } from './judge.ts'
import { judgeMetadata } from './metadata-rules.ts'
import { podRules } from './pod-rules.ts'
import type { ReservedKey } from './reserved-keys.ts'

export { type PodReference, podReferences } from './references.ts'
export { parseReservedKeys, type ReservedKey, reservedKeys } from './reserved-keys.ts'

/**
 * What of a pod the tenant may not set, as it asks to create it (gateways-and-threats.md E1–E11). Call it with
 * the tenant's own object, before the gateway adds its fields. `reserved` are the keys of metadata that the operator
 * reserves beside those of reserved-keys.ts. Empty: nothing to complain of.
 */
export function checkPodCreate(pod: V1Pod, reserved?: readonly ReservedKey[]): FieldFault[] {
  return checkPodChange({}, pod, reserved)
}

/**
 * What of a change the tenant may not make; the same for update, patch, resize and ephemeral containers. Both
 * objects are the tenant's view, `current` with what the data plane added (kubernetes-face.md 15).
 */
export function checkPodChange(
  current: V1Pod,
  result: V1Pod,
  reserved?: readonly ReservedKey[],
): FieldFault[] {
  return [
    ...judgeMetadata(asMetadata(current.metadata), asMetadata(result.metadata), reserved),
    ...judgeChange(podRules, 'PodSpec', 'spec', current.spec, result.spec),
  ]
}

/** The same for the metadata of ConfigMaps, Secrets and namespaces. */
export function checkMetadataChange(
  current: V1ObjectMeta | undefined,
  result: V1ObjectMeta | undefined,
  reserved?: readonly ReservedKey[],
): FieldFault[] {
  return judgeMetadata(asMetadata(current), asMetadata(result), reserved)
}

function asMetadata(metadata: V1ObjectMeta | undefined) {
  return { labels: metadata?.labels, annotations: metadata?.annotations, finalizers: metadata?.finalizers }
}
