import type { V1Pod } from '@kubernetes/client-node'
import { MASTER_ENV, SERVICE_ENV, tokenSecretName } from '../../kube/forge/names.ts'
import { podReferences } from '../../kube/forge/references.ts'
import type { ObjectKey } from './carried-objects.ts'
import { carriedKey } from './copy.ts'

export const objectId = ({ kind, namespace, name }: ObjectKey): string => `${kind}/${namespace}/${name}`

/**
 * What these pods may use behind the gateway, by their specs alone: an object whose original could not be read
 * yet, or that an earlier process made, is used all the same.
 */
export function objectsUsedBy(pods: Iterable<V1Pod>): Set<string> {
  const used = new Set<string>()
  for (const pod of pods) {
    const namespace = pod.metadata?.namespace ?? ''
    for (const { kind, name } of podReferences(pod)) used.add(objectId(carriedKey(kind, namespace, name)))
    used.add(objectId({ kind: 'Secret', namespace, name: tokenSecretName(pod.metadata?.uid ?? '') }))
    for (const name of [SERVICE_ENV, MASTER_ENV]) used.add(objectId({ kind: 'ConfigMap', namespace, name }))
  }
  return used
}
